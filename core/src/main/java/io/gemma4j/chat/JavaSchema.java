package io.gemma4j.chat;

import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Parameter;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * JSON schemas of Java types: records, enums, strings, numbers, booleans, lists and maps of those. Every member is required unless it is an
 * {@code Optional}. Thread-safe.
 */
public final class JavaSchema {
    private static final Set<Class<?>> INTEGERS = Set.of(int.class, Integer.class, long.class, Long.class, short.class, Short.class, byte.class,
            Byte.class, BigInteger.class);
    private static final Set<Class<?>> NUMBERS = Set.of(double.class, Double.class, float.class, Float.class, BigDecimal.class, Number.class);

    private static final Map<Class<?>, Integer> BITS = Map.of(int.class, Integer.SIZE, Integer.class, Integer.SIZE, short.class, Short.SIZE, Short.class,
            Short.SIZE, byte.class, Byte.SIZE, Byte.class, Byte.SIZE);
    private static final String ONE_CHAR = "^[\\u0000-\\uD7FF\\uE000-\\uFFFF]$";

    private final Function<AnnotatedElement, Optional<String>> descriptions;
    private final List<Class<?>> enclosing = new ArrayList<>();

    private record Member(String name, Type type, AnnotatedElement declaration) {}

    private final boolean exact;

    private JavaSchema(Function<AnnotatedElement, Optional<String>> descriptions, boolean exact) {
        this.descriptions = descriptions;
        this.exact = exact;
    }

    /**
     * The schema of a record.
     *
     * @param type the record
     * @param descriptions what its components are for
     * @return a schema of type object
     * @throws IllegalArgumentException if a component has a type that has no schema, or contains itself
     */
    public static Map<String, Object> of(Class<? extends Record> type, Function<AnnotatedElement, Optional<String>> descriptions) {
        return new JavaSchema(descriptions, false).record(type);
    }

    /**
     * As above, with the limits of the Java types: whatever satisfies the schema fits the record.
     *
     * @param type the record
     * @param descriptions what its components are for
     * @return a schema of type object
     * @throws IllegalArgumentException if a component has a type that has no schema, or contains itself
     */
    public static Map<String, Object> exactly(Class<? extends Record> type, Function<AnnotatedElement, Optional<String>> descriptions) {
        return new JavaSchema(descriptions, true).record(type);
    }

    /**
     * The schema of the arguments of a method.
     *
     * @param parameters of the method, compiled with their names
     * @param descriptions what they are for
     * @return a schema of type object
     * @throws IllegalArgumentException if a parameter has no name, or a type that has no schema
     */
    public static Map<String, Object> of(Parameter[] parameters, Function<AnnotatedElement, Optional<String>> descriptions) {
        return new JavaSchema(descriptions, false).object(Arrays.stream(parameters).map(JavaSchema::member).toList());
    }

    private static Member member(Parameter parameter) {
        if (!parameter.isNamePresent()) {
            throw new IllegalArgumentException("the parameters of " + parameter.getDeclaringExecutable()
                    + " have no names; compile with -parameters or declare a record");
        }
        return new Member(parameter.getName(), parameter.getParameterizedType(), parameter);
    }

    private Map<String, Object> record(Class<?> type) {
        if (enclosing.contains(type)) {
            throw new IllegalArgumentException(type.getName() + " contains itself, for which there is no schema");
        }
        enclosing.add(type);
        List<Member> members = new ArrayList<>();
        for (RecordComponent component : type.getRecordComponents()) {
            members.add(new Member(component.getName(), component.getGenericType(), component));
        }
        Map<String, Object> schema = object(members);
        enclosing.removeLast();
        return schema;
    }

    private Map<String, Object> object(List<Member> members) {
        Map<String, Object> properties = new LinkedHashMap<>();
        List<Object> required = new ArrayList<>();
        for (Member member : members) {
            boolean optional = rawClass(member.type()) == Optional.class;
            Map<String, Object> schema = new LinkedHashMap<>();
            descriptions.apply(member.declaration()).ifPresent(text -> schema.put("description", text));
            schema.putAll(schema(optional ? argument(member.type(), 0) : member.type()));
            properties.put(member.name(), schema);
            if (!optional) {
                required.add(member.name());
            }
        }
        Map<String, Object> schema = new LinkedHashMap<>();
        schema.put("type", "object");
        schema.put("properties", properties);
        schema.put("required", required);
        return schema;
    }

    private Map<String, Object> schema(Type type) {
        Class<?> raw = rawClass(type);
        if (raw == char.class || raw == Character.class) {
            return exact ? Map.of("type", "string", "pattern", ONE_CHAR) : Map.of("type", "string");
        }
        if (raw == String.class) {
            return Map.of("type", "string");
        }
        if (raw == boolean.class || raw == Boolean.class) {
            return Map.of("type", "boolean");
        }
        if (INTEGERS.contains(raw)) {
            int bits = BITS.getOrDefault(raw, Long.SIZE);
            return exact && bits < Long.SIZE ? Map.of("type", "integer", "minimum", -1L << bits - 1, "maximum", (1L << bits - 1) - 1)
                    : Map.of("type", "integer");
        }
        if (NUMBERS.contains(raw)) {
            return Map.of("type", "number");
        }
        if (raw.isEnum()) {
            return Map.of("type", "string", "enum", Arrays.stream(raw.getEnumConstants()).map(value -> ((Enum<?>) value).name()).toList());
        }
        if (raw == List.class || raw == Collection.class || raw == Set.class) {
            return Map.of("type", "array", "items", schema(argument(type, 0)));
        }
        if (raw == Map.class && argument(type, 0) == String.class) {
            return exact && argument(type, 1) != Object.class ? Map.of("type", "object", "additionalProperties", schema(argument(type, 1)))
                    : Map.of("type", "object");
        }
        if (raw.isRecord()) {
            return record(raw);
        }
        throw new IllegalArgumentException("there is no schema of " + type.getTypeName()
                + "; use records, enums, String, boolean, numbers, List, Set, Map with String keys or Optional of those");
    }

    static Class<?> rawClass(Type type) {
        return switch (type) {
            case Class<?> raw -> raw;
            case ParameterizedType generic -> (Class<?>) generic.getRawType();
            default -> throw new IllegalArgumentException("there is no schema of " + type.getTypeName() + ": its class is not known");
        };
    }

    /** What a generic type is of; {@code Object} where the code does not say. */
    static Type argument(Type type, int index) {
        return type instanceof ParameterizedType generic ? generic.getActualTypeArguments()[index] : Object.class;
    }
}
