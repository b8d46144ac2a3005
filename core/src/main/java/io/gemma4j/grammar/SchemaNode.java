package io.gemma4j.grammar;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * One schema within a schema document. Immutable.
 *
 * @param keywords its members
 * @param path JSON pointer to it, beginning with {@code #}
 */
record SchemaNode(Map<?, ?> keywords, String path) {
    /** What only describes. */
    private static final Set<String> ANNOTATIONS = Set.of("title", "description", "default", "examples", "$schema", "$id", "$comment", "$defs",
            "definitions", "deprecated", "readOnly", "writeOnly");
    private static final int MAX_COUNT = 1_000_000;

    /** A schema that is not just true or false. */
    static SchemaNode of(Object schema, String path) {
        if (schema instanceof Map<?, ?> keywords) {
            return new SchemaNode(keywords, path);
        }
        throw new IllegalArgumentException("schema at " + path + ": expected an object or a boolean, found " + schema);
    }

    boolean has(String keyword) {
        return keywords.containsKey(keyword);
    }

    Object get(String keyword) {
        return keywords.get(keyword);
    }

    /** Where the value of a keyword stands. */
    String path(Object keyword) {
        return path + "/" + keyword;
    }

    /**
     * Refuses what is not among these keywords and does not only describe.
     *
     * @throws IllegalArgumentException naming the first such keyword
     */
    void allowOnly(Set<String> supported, String because) {
        for (Object keyword : keywords.keySet()) {
            if (!supported.contains(keyword) && !ANNOTATIONS.contains(keyword)) {
                throw new IllegalArgumentException("schema at " + path + ": keyword '" + keyword + "' is not supported" + because);
            }
        }
    }

    IllegalArgumentException unexpected(String keyword, String expected) {
        return new IllegalArgumentException("schema at " + path(keyword) + ": expected " + expected + ", found " + get(keyword));
    }

    /** A number of characters or items. */
    int count(String keyword, int absent) {
        if (!has(keyword)) {
            return absent;
        }
        BigDecimal value = decimal(keyword).orElseThrow();
        if (value.signum() < 0 || value.stripTrailingZeros().scale() > 0 || value.compareTo(BigDecimal.valueOf(MAX_COUNT)) > 0) {
            throw unexpected(keyword, "an integer from 0 to " + MAX_COUNT);
        }
        return value.intValueExact();
    }

    Optional<BigDecimal> decimal(String keyword) {
        if (!has(keyword)) {
            return Optional.empty();
        }
        if (get(keyword) instanceof Number number) {
            return Optional.of(new BigDecimal(number.toString()));
        }
        throw unexpected(keyword, "a number");
    }

    String string(String keyword) {
        if (get(keyword) instanceof String text) {
            return text;
        }
        throw unexpected(keyword, "a string");
    }

    /** A list; empty if the keyword is absent. */
    List<?> list(String keyword) {
        if (!has(keyword)) {
            return List.of();
        }
        if (get(keyword) instanceof List<?> list) {
            return list;
        }
        throw unexpected(keyword, "an array");
    }

    List<String> strings(String keyword) {
        List<String> strings = new ArrayList<>();
        for (Object element : list(keyword)) {
            if (!(element instanceof String text)) {
                throw unexpected(keyword, "an array of strings");
            }
            strings.add(text);
        }
        return strings;
    }

    Map<?, ?> map(String keyword) {
        if (!has(keyword)) {
            return Map.of();
        }
        if (get(keyword) instanceof Map<?, ?> map) {
            return map;
        }
        throw unexpected(keyword, "an object");
    }
}
