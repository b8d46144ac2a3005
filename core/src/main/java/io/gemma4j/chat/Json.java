package io.gemma4j.chat;

import java.util.List;
import java.util.Map;

/**
 * JSON text to Java values and back: {@code Map<String, Object>} in the order of the text, {@code List<Object>}, {@code String}, {@code Boolean},
 * {@code Long} or {@code BigInteger} for integers, {@code Double} for other numbers, and null. Thread-safe.
 */
public final class Json {
    private static final int FIRST_PRINTABLE = 0x20;

    private Json() {}

    /**
     * Reads a JSON text.
     *
     * @param text one value, with white space around it if need be
     * @return the value, whose maps and lists can be changed
     * @throws IllegalArgumentException if it is no JSON, names a key twice or is nested more than 500 deep; says where
     */
    public static Object read(String text) {
        return new JsonReader(text).read();
    }

    /**
     * Writes a value.
     *
     * @param value what {@link #read} returns; other numbers are fine as well
     * @return JSON in one line, without white space
     * @throws IllegalArgumentException if it holds something else, or a number that is not finite
     */
    public static String write(Object value) {
        StringBuilder out = new StringBuilder();
        write(value, out);
        return out.toString();
    }

    private static void write(Object value, StringBuilder out) {
        switch (value) {
            case null -> out.append("null");
            case Boolean bool -> out.append(bool);
            case Number number -> out.append(NumberText.format(number));
            case String text -> writeString(text, out);
            case Map<?, ?> map -> writeObject(map, out);
            case List<?> list -> writeArray(list, out);
            default -> throw notJson(value);
        }
    }

    static IllegalArgumentException notJson(Object value) {
        return new IllegalArgumentException("a JSON value must be a map with string keys, a list, a string, a number, a boolean or null, was "
                + value.getClass().getName());
    }

    private static void writeObject(Map<?, ?> map, StringBuilder out) {
        out.append('{');
        String separator = "";
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            if (!(entry.getKey() instanceof String key)) {
                throw new IllegalArgumentException("a JSON key must be a string, was " + entry.getKey());
            }
            out.append(separator);
            writeString(key, out);
            out.append(':');
            write(entry.getValue(), out);
            separator = ",";
        }
        out.append('}');
    }

    private static void writeArray(List<?> list, StringBuilder out) {
        out.append('[');
        String separator = "";
        for (Object element : list) {
            out.append(separator);
            write(element, out);
            separator = ",";
        }
        out.append(']');
    }

    private static void writeString(String text, StringBuilder out) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"', '\\' -> out.append('\\').append(c);
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                default -> {
                    // A lone surrogate has no UTF-8 form.
                    if (c < FIRST_PRINTABLE || Character.isSurrogate(c) && !isPaired(text, i)) {
                        out.append(String.format("\\u%04x", (int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }

    private static boolean isPaired(String text, int at) {
        return Character.isHighSurrogate(text.charAt(at))
                ? at + 1 < text.length() && Character.isLowSurrogate(text.charAt(at + 1))
                : at > 0 && Character.isHighSurrogate(text.charAt(at - 1));
    }
}
