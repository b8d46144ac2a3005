package io.gemma4j.chat;

import java.lang.reflect.Constructor;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** JSON values, as {@link Json} has them, to the Java types that {@link JavaSchema} knows, and back. Thread-safe. */
public final class ValueBinding {
    private ValueBinding() {}

    /**
     * Makes a Java value.
     *
     * @param value the JSON value
     * @param type what is wanted
     * @param path where it stands, for the message
     * @return the value; never null unless the type is {@code Object}: what may be absent is an {@code Optional}
     * @throws IllegalArgumentException if the value does not fit; names the path, what was expected and what was found
     */
    public static Object toJava(Object value, Type type, String path) {
        Class<?> raw = JavaSchema.rawClass(type);
        if (raw == Optional.class) {
            return value == null ? Optional.empty() : Optional.of(toJava(value, JavaSchema.argument(type, 0), path));
        }
        if (raw == Object.class) {
            return value;
        }
        if (raw.isRecord()) {
            return toRecord(value, raw, path);
        }
        if (value instanceof Map<?, ?> map && raw == Map.class) {
            Map<Object, Object> bound = new LinkedHashMap<>();
            map.forEach((key, member) -> bound.put(key, toJava(member, JavaSchema.argument(type, 1), path + "." + key)));
            return Collections.unmodifiableMap(bound);
        }
        if (value instanceof List<?> list && (raw == List.class || raw == Collection.class || raw == Set.class)) {
            Collection<Object> bound = raw == Set.class ? new LinkedHashSet<>() : new ArrayList<>();
            for (int i = 0; i < list.size(); i++) {
                bound.add(toJava(list.get(i), JavaSchema.argument(type, 0), path + "[" + i + "]"));
            }
            return raw == Set.class ? Collections.unmodifiableSet((Set<?>) bound) : Collections.unmodifiableList((List<?>) bound);
        }
        Object bound = scalar(value, raw);
        if (bound == null) {
            throw unexpected(path, name(raw), value);
        }
        return bound;
    }

    private static Object scalar(Object value, Class<?> type) {
        return switch (value) {
            case Boolean bool when type == boolean.class || type == Boolean.class -> bool;
            case String text when type == String.class -> text;
            case String text when (type == char.class || type == Character.class) && text.length() == 1 -> text.charAt(0);
            case String text when type.isEnum() ->
                Arrays.stream(type.getEnumConstants()).filter(constant -> ((Enum<?>) constant).name().equalsIgnoreCase(text)).findFirst().orElse(null);
            case Number number -> number(new BigDecimal(number.toString()), type);
            case null, default -> null;
        };
    }

    // Null where it does not fit; an integer may be written as 3.0.
    private static Object number(BigDecimal value, Class<?> type) {
        if (type == double.class || type == Double.class || type == Number.class) {
            return value.doubleValue();
        }
        if (type == float.class || type == Float.class) {
            return value.floatValue();
        }
        if (type == BigDecimal.class) {
            return value;
        }
        try {
            if (type == int.class || type == Integer.class) {
                return value.intValueExact();
            }
            if (type == long.class || type == Long.class) {
                return value.longValueExact();
            }
            if (type == short.class || type == Short.class) {
                return value.shortValueExact();
            }
            if (type == byte.class || type == Byte.class) {
                return value.byteValueExact();
            }
            return type == BigInteger.class ? value.toBigIntegerExact() : null;
        } catch (ArithmeticException e) {
            return null;
        }
    }

    private static Object toRecord(Object value, Class<?> type, String path) {
        if (!(value instanceof Map<?, ?> map)) {
            throw unexpected(path, "an object", value);
        }
        RecordComponent[] components = type.getRecordComponents();
        Class<?>[] types = Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
        Object[] members = Arrays.stream(components)
                .map(component -> toJava(map.get(component.getName()), component.getGenericType(), path + "." + component.getName())).toArray();
        try {
            Constructor<?> constructor = type.getDeclaredConstructor(types);
            constructor.setAccessible(true);
            return constructor.newInstance(members);
        } catch (InvocationTargetException e) {
            throw new IllegalArgumentException(path + ": " + e.getCause().getMessage(), e.getCause());
        } catch (ReflectiveOperationException | InaccessibleObjectException e) {
            throw new IllegalStateException(type.getName() + " cannot be created; its module has to open its package to io.gemma4j.core", e);
        }
    }

    private static String name(Class<?> type) {
        return type.isEnum() ? "one of " + Arrays.toString(type.getEnumConstants()) : "a value of type " + type.getSimpleName();
    }

    private static IllegalArgumentException unexpected(String path, String expected, Object found) {
        return new IllegalArgumentException(path + ": expected " + expected + ", found " + (found == null ? "nothing" : Json.write(found)));
    }

    /**
     * Makes a JSON value.
     *
     * @param value a record, enum, string, number, boolean, collection, map, optional or null
     * @return what {@link Json#write} takes; for other types their text
     */
    public static Object toJson(Object value) {
        return switch (value) {
            case null -> null;
            case String text -> text;
            case Boolean bool -> bool;
            case Number number -> number;
            case Enum<?> constant -> constant.name();
            case Optional<?> optional -> toJson(optional.orElse(null));
            case Map<?, ?> map -> {
                Map<String, Object> members = new LinkedHashMap<>();
                map.forEach((key, member) -> members.put(key.toString(), toJson(member)));
                yield members;
            }
            case Collection<?> collection -> collection.stream().map(ValueBinding::toJson).collect(ArrayList::new, List::add, List::addAll);
            case Record instance -> fromRecord(instance);
            default -> value.toString();
        };
    }

    private static Map<String, Object> fromRecord(Record instance) {
        Map<String, Object> members = new LinkedHashMap<>();
        for (RecordComponent component : instance.getClass().getRecordComponents()) {
            try {
                component.getAccessor().setAccessible(true);
                members.put(component.getName(), toJson(component.getAccessor().invoke(instance)));
            } catch (ReflectiveOperationException | InaccessibleObjectException e) {
                throw new IllegalStateException(instance.getClass().getName() + " cannot be read; its module has to open its package to io.gemma4j.core",
                        e);
            }
        }
        return members;
    }
}
