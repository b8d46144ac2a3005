package io.gemma4j.chat;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;

/** Random JSON values: nested, with awkward texts, keys and numbers. */
final class JsonValues {
    private JsonValues() {}

    /** Unicode without lone surrogates, with what looks like structure and markup. */
    static Arbitrary<String> texts() {
        Arbitrary<String> characters = Arbitraries.integers().between(0, Character.MAX_CODE_POINT)
                .filter(c -> c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE).map(Character::toString);
        Arbitrary<String> awkward = Arbitraries.of("\"", "\\", "{", "}", "[", "]", ":", ",", " ", "\n", "\t", "\u00a0", "\u2581", "true", "None", "null",
                "1", "-0.5e3", "<|\"|>", "<tool_call|>", "<|tool_call>call:f{}", "\ud83d\ude00", "\u0000", "call:");
        return Arbitraries.oneOf(characters, awkward, Arbitraries.strings().ascii().ofMaxLength(4)).list().ofMaxSize(6)
                .map(parts -> String.join("", parts));
    }

    private static Arbitrary<Object> scalars() {
        return Arbitraries.oneOf(texts().map(Object.class::cast), Arbitraries.of(true, false).map(Object.class::cast), Arbitraries.longs().map(Object.class::cast),
                Arbitraries.bigIntegers().between(BigInteger.ONE.shiftLeft(64).negate(), BigInteger.ONE.shiftLeft(90)).map(JsonValues::smallest),
                Arbitraries.longs().map(Double::longBitsToDouble).filter(d -> !d.isNaN() && !d.isInfinite()).map(Object.class::cast),
                Arbitraries.of(0.1, -0.0, 1e16, 1e15, 1e-4, 9.9e-5, Double.MIN_VALUE, Double.MAX_VALUE).map(Object.class::cast)).injectNull(0.1);
    }

    private static Object smallest(BigInteger value) {
        return value.bitLength() < Long.SIZE ? (Object) value.longValue() : value;
    }

    static Arbitrary<Object> values() {
        return Arbitraries.recursive(JsonValues::scalars, inner -> Arbitraries.oneOf(scalars(), lists(inner), objects(inner).map(Object.class::cast)), 0, 3);
    }

    private static Arbitrary<Object> lists(Arbitrary<Object> inner) {
        return inner.list().ofMaxSize(4).map(list -> (Object) new ArrayList<>(list));
    }

    static Arbitrary<Map<String, Object>> objects() {
        return objects(values());
    }

    private static Arbitrary<Map<String, Object>> objects(Arbitrary<Object> inner) {
        return texts().list().uniqueElements().ofMaxSize(4).flatMap(keys -> inner.list().ofSize(keys.size()).map(values -> zip(keys, values)));
    }

    private static Map<String, Object> zip(List<String> keys, List<Object> values) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int i = 0; i < keys.size(); i++) {
            map.put(keys.get(i), values.get(i));
        }
        return map;
    }
}
