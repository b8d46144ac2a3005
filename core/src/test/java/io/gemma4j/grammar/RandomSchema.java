package io.gemma4j.grammar;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Random JSON schemas of the keywords that are supported; each describes at least one document. */
final class RandomSchema {
    private static final List<String> PATTERNS = List.of("^[a-z]{2,5}$", "x", "^(ab|c)*d?$", "[0-9]{3}$", "^\\S+ \\S+$", "^\\W\\w\\D\\d");
    private static final List<String> NAMES = List.of("a", "ab", "name", "\u00e9t\u00e9", "with space", "quo\"te", "");

    private final Random random;

    RandomSchema(Random random) {
        this.random = random;
    }

    /** A schema of nesting {@code depth}, with a definition that may lead back to itself. */
    Map<String, Object> document(int depth) {
        Map<String, Object> schema = new LinkedHashMap<>(schema(depth));
        Map<String, Object> loop = new LinkedHashMap<>();
        loop.put("type", "object");
        loop.put("properties", Map.of("next", Map.of("anyOf", List.of(Map.of("type", "null"), Map.of("$ref", "#/$defs/loop"))), "v", schema(0)));
        loop.put("required", List.of("next"));
        schema.put("$defs", Map.of("loop", loop));
        return schema;
    }

    private Map<String, Object> schema(int depth) {
        Map<String, Object> schema = new LinkedHashMap<>();
        switch (random.nextInt(depth == 0 ? 6 : 11)) {
            case 0 -> string(schema);
            case 1 -> number(schema);
            case 2 -> integer(schema);
            case 3 -> schema.put("enum", List.of("red", 1, -2.5, true, List.of("x", 1)).subList(0, 1 + random.nextInt(5)));
            case 4 -> schema.put("type", random.nextBoolean() ? "boolean" : List.of("null", "boolean", "integer"));
            case 5 -> schema.put("const", NAMES.get(random.nextInt(NAMES.size())));
            case 6, 7 -> object(schema, depth - 1);
            case 8 -> array(schema, depth - 1);
            case 9 -> schema.put("anyOf", List.of(schema(depth - 1), schema(depth - 1)));
            default -> schema.put("$ref", "#/$defs/loop");
        }
        return schema;
    }

    private void string(Map<String, Object> schema) {
        schema.put("type", "string");
        if (random.nextBoolean()) {
            schema.put("minLength", random.nextInt(4));
        }
        if (random.nextBoolean()) {
            schema.put("maxLength", 6 + random.nextInt(6));
        }
        if (random.nextInt(3) == 0) {
            schema.put("pattern", PATTERNS.get(random.nextInt(PATTERNS.size())));
        }
    }

    private void number(Map<String, Object> schema) {
        schema.put("type", "number");
        double low = (random.nextInt(2000) - 1000) / Math.pow(10, random.nextInt(4));
        if (random.nextBoolean()) {
            schema.put(random.nextBoolean() ? "minimum" : "exclusiveMinimum", low);
        }
        if (random.nextBoolean()) {
            schema.put(random.nextBoolean() ? "maximum" : "exclusiveMaximum", low + (1 + random.nextInt(500)) / 100.0);
        }
    }

    private void integer(Map<String, Object> schema) {
        schema.put("type", "integer");
        long low = random.nextInt(3000) - 1500;
        if (random.nextBoolean()) {
            schema.put("minimum", low);
        }
        if (random.nextBoolean()) {
            schema.put("maximum", low + random.nextInt(300));
        }
    }

    private void object(Map<String, Object> schema, int depth) {
        schema.put("type", "object");
        Map<String, Object> properties = new LinkedHashMap<>();
        List<Object> required = new ArrayList<>();
        for (String name : NAMES.subList(0, random.nextInt(NAMES.size()))) {
            properties.put(name, schema(depth));
            if (random.nextBoolean()) {
                required.add(name);
            }
        }
        schema.put("properties", properties);
        schema.put("required", required);
        switch (random.nextInt(4)) {
            case 0 -> schema.put("additionalProperties", false);
            case 1 -> schema.put("additionalProperties", schema(0));
            default -> {}
        }
    }

    private void array(Map<String, Object> schema, int depth) {
        schema.put("type", "array");
        schema.put("items", schema(depth));
        if (random.nextBoolean()) {
            schema.put("minItems", random.nextInt(3));
        }
        if (random.nextBoolean()) {
            schema.put("maxItems", 2 + random.nextInt(3));
        }
        if (random.nextInt(3) == 0) {
            schema.put("prefixItems", List.of(schema(0), schema(0)));
        }
    }
}
