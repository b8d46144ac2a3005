package io.gemma4j.gguf;

import io.gemma4j.ModelFormatException;
import java.math.BigInteger;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The key/value pairs of a GGUF file, in file order, with getters that check type and range. Scalars are {@link Byte}, {@link Short},
 * {@link Integer}, {@link Long}, {@link Float}, {@link Double}, {@link Boolean} or {@link String} (unsigned ones as the next wider type,
 * u64 as {@link Long} when it fits and {@link java.math.BigInteger} when not); arrays are {@link List}s of those or of such lists, and the
 * lists of a file decode their elements on every {@code get}. Immutable and thread-safe.
 *
 * <p>Every getter throws {@link ModelFormatException} naming file, key, expected and found where the value has another type or range; the
 * getters of required values also where there is none.
 */
public final class GgufMetadata {
    private static final int MAX_QUOTED_CHARS = 80;

    private final String source;
    private final Map<String, Object> values;
    private final Map<String, GgufEncoding> encodings;

    /** Wraps {@code values}; {@code source} names the file in messages. */
    public GgufMetadata(String source, Map<String, Object> values) {
        this(source, values, Map.of());
    }

    /** As above, knowing how some of the values are encoded in the file. */
    GgufMetadata(String source, Map<String, Object> values, Map<String, GgufEncoding> encodings) {
        this.source = source;
        this.values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
        this.encodings = Map.copyOf(encodings);
    }

    /** The file these pairs come from, for messages. */
    public String source() {
        return source;
    }

    /** All keys, in file order. */
    public Set<String> keys() {
        return values.keySet();
    }

    /** All pairs, in file order. */
    public Map<String, Object> asMap() {
        return values;
    }

    /** How the value of {@code key} is encoded in the file; where it comes from no file, as its class has it. */
    GgufEncoding encoding(String key) {
        GgufEncoding known = encodings.get(key);
        return known != null ? known : GgufEncoding.of(key, values.get(key));
    }

    /** Whether {@code key} is there. */
    public boolean has(String key) {
        return values.containsKey(key);
    }

    /** A required string. */
    public String string(String key) {
        return find(key, String.class, "a string").orElseThrow(() -> missing(key, "a string"));
    }

    /** An optional string. */
    public Optional<String> findString(String key) {
        return find(key, String.class, "a string");
    }

    /** A required integer that fits 32 bits. */
    public int integer(String key) {
        return findInteger(key).orElseThrow(() -> missing(key, "an integer"));
    }

    /** An optional integer that fits 32 bits. */
    public Optional<Integer> findInteger(String key) {
        return find(key, Number.class, "an integer").map(value -> toInt(key, value));
    }

    /** A required floating-point number; integers are accepted. */
    public float floating(String key) {
        return findFloating(key).orElseThrow(() -> missing(key, "a number"));
    }

    /** An optional floating-point number; integers are accepted. */
    public Optional<Float> findFloating(String key) {
        return find(key, Number.class, "a number").map(Number::floatValue);
    }

    /** An optional truth value. */
    public Optional<Boolean> findBool(String key) {
        return find(key, Boolean.class, "true or false");
    }

    /** A required array of strings. */
    public List<String> strings(String key) {
        return findList(key, String.class, "an array of strings").orElseThrow(() -> missing(key, "an array of strings"));
    }

    /** An optional array of strings. */
    public Optional<List<String>> findStrings(String key) {
        return findList(key, String.class, "an array of strings");
    }

    /** An optional array of truth values. */
    public Optional<List<Boolean>> findBools(String key) {
        return findList(key, Boolean.class, "an array of true or false");
    }

    /** An optional array of integers, each of which fits 32 bits. */
    public Optional<int[]> findIntegers(String key) {
        return findList(key, Number.class, "an array of integers")
                .map(list -> list.stream().mapToInt(value -> toInt(key, value)).toArray());
    }

    /** Whether the value of {@code key} is an array. */
    public boolean isArray(String key) {
        return values.get(key) instanceof List;
    }

    /** The complaint that the value of {@code key} is not what it has to be. */
    public ModelFormatException unexpected(String key, String expected, Object found) {
        return new ModelFormatException(source, "key '" + key + "'", expected, String.valueOf(found));
    }

    private ModelFormatException missing(String key, String expected) {
        return unexpected(key, expected, "nothing");
    }

    private <T> Optional<T> find(String key, Class<T> type, String expected) {
        Object value = values.get(key);
        if (value != null && !type.isInstance(value)) {
            throw unexpected(key, expected, describe(value));
        }
        return Optional.ofNullable(type.cast(value));
    }

    @SuppressWarnings("unchecked") // every element is checked
    private <T> Optional<List<T>> findList(String key, Class<T> type, String expected) {
        Optional<List<?>> list = find(key, List.class, expected).map(value -> (List<?>) value);
        list.ifPresent(elements -> requireElements(key, type, expected, elements));
        return list.map(value -> (List<T>) value);
    }

    private void requireElements(String key, Class<?> type, String expected, List<?> elements) {
        if (elements instanceof PackedList packed) {
            // One type for all: no need to decode a vocabulary to look at it.
            if (!packed.isEmpty() && !type.isAssignableFrom(packed.elementType().javaClass())) {
                throw unexpected(key, expected, "an array of " + packed.size() + " " + packed.elementType());
            }
            return;
        }
        for (Object element : elements) {
            if (!type.isInstance(element)) {
                throw unexpected(key, expected, "an array with " + describe(element));
            }
        }
    }

    private int toInt(String key, Number value) {
        if (value instanceof Float || value instanceof Double || value instanceof BigInteger || value.longValue() != value.intValue()) {
            throw unexpected(key, "a 32-bit integer", value);
        }
        return value.intValue();
    }

    private static String describe(Object value) {
        if (value instanceof List<?> list) {
            return "an array of " + list.size();
        }
        String text = value.toString();
        String quoted = text.length() <= MAX_QUOTED_CHARS ? text : text.substring(0, MAX_QUOTED_CHARS) + "...";
        return value.getClass().getSimpleName().toLowerCase(Locale.ROOT) + " " + quoted;
    }
}
