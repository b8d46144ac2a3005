package io.gemma4j.grammar;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

/** Which types of values a schema allows, and whether two schemas can allow the same value. */
final class SchemaTypes {
    /** Every type once; integers are numbers. */
    static final Set<String> ALL =
            Collections.unmodifiableSet(new LinkedHashSet<>(List.of("string", "number", "boolean", "null", "array", "object")));
    private static final Set<String> NAMES = Set.of("string", "number", "integer", "boolean", "null", "array", "object");
    private static final Map<String, Set<String>> IMPLIED = Map.of(
            "string", Set.of("minLength", "maxLength", "pattern", "format"),
            "number", Set.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
            "array", Set.of("items", "prefixItems", "minItems", "maxItems", "uniqueItems"),
            "object", Set.of("properties", "required", "additionalProperties"));
    private static final int MAX_REFERENCES = 100;

    private final SchemaGrammar grammar;

    SchemaTypes(SchemaGrammar grammar) {
        this.grammar = grammar;
    }

    /** The types that a schema names, or else those that its keywords are about, or else all. */
    Set<String> of(SchemaNode node) {
        if (!node.has("type")) {
            Set<String> implied = ALL.stream()
                    .filter(type -> IMPLIED.getOrDefault(type, Set.of()).stream().anyMatch(node::has)).collect(Collectors.toCollection(LinkedHashSet::new));
            return implied.isEmpty() ? ALL : implied;
        }
        Set<String> named = new LinkedHashSet<>(node.get("type") instanceof List<?> ? node.strings("type") : List.of(node.string("type")));
        if (!NAMES.containsAll(named) || named.isEmpty()) {
            throw node.unexpected("type", "one or several of " + NAMES.stream().sorted().toList());
        }
        if (named.contains("number")) {
            named.remove("integer");
        }
        return named;
    }

    /** The values of an enum or const that have the right type. */
    List<?> constants(SchemaNode node) {
        List<Object> values = new ArrayList<>(node.has("enum") ? node.list("enum") : Collections.singletonList(node.get("const")));
        if (node.has("const")) {
            values.removeIf(value -> !Objects.equals(value, node.get("const")));
        }
        if (node.has("type")) {
            Set<String> wanted = of(node);
            values.removeIf(value -> !wanted.contains(type(value)) && !(wanted.contains("number") && type(value).equals("integer")));
        }
        return values;
    }

    private static String type(Object value) {
        return switch (value) {
            case null -> "null";
            case String text -> "string";
            case Boolean bool -> "boolean";
            case Double number -> number == Math.rint(number) ? "integer" : "number";
            case Number number -> "integer";
            case List<?> list -> "array";
            default -> "object";
        };
    }

    /**
     * Refuses alternatives of oneOf of which more than one may hold.
     *
     * @throws IllegalArgumentException if it cannot be seen that they differ in type, in their constants or in a constant of a required property
     */
    void requireDisjoint(SchemaNode node) {
        List<?> schemas = node.list("oneOf");
        for (int i = 0; i < schemas.size(); i++) {
            for (int j = 0; j < i; j++) {
                if (!disjoint(resolved(schemas.get(i), node), resolved(schemas.get(j), node), 0)) {
                    throw new IllegalArgumentException("schema at " + node.path("oneOf") + ": alternatives " + j + " and " + i
                            + " may both hold, which is not supported; give them different types or a required property with different constants,"
                            + " or use anyOf");
                }
            }
        }
    }

    private SchemaNode resolved(Object schema, SchemaNode at) {
        SchemaNode node = schema instanceof Boolean ? SchemaNode.of(Map.of(), at.path()) : SchemaNode.of(schema, at.path());
        for (int i = 0; i < MAX_REFERENCES && node.has("$ref"); i++) {
            Object target = grammar.target(node.string("$ref"), node);
            node = target instanceof Boolean ? SchemaNode.of(Map.of(), at.path()) : SchemaNode.of(target, node.string("$ref"));
        }
        return node;
    }

    // Schemas that lead back to themselves differ nowhere.
    private boolean disjoint(SchemaNode first, SchemaNode second, int depth) {
        if (depth > MAX_REFERENCES) {
            return false;
        }
        if (isConstant(first) && isConstant(second)) {
            return Collections.disjoint(constants(first), constants(second));
        }
        Set<String> shared = kinds(first);
        shared.retainAll(kinds(second));
        return shared.isEmpty() || shared.equals(Set.of("object")) && differInAProperty(first, second, depth);
    }

    private static boolean isConstant(SchemaNode node) {
        return node.has("enum") || node.has("const");
    }

    private Set<String> kinds(SchemaNode node) {
        if (node.has("anyOf") || node.has("oneOf") || node.has("allOf") || node.has("$ref")) {
            return new LinkedHashSet<>(ALL);
        }
        Set<String> types = isConstant(node) ? constants(node).stream().map(SchemaTypes::type).collect(Collectors.toSet()) : of(node);
        // An integer may satisfy what asks for a number.
        return types.stream().map(type -> type.equals("integer") ? "number" : type).collect(Collectors.toCollection(LinkedHashSet::new));
    }

    private boolean differInAProperty(SchemaNode first, SchemaNode second, int depth) {
        return first.strings("required").stream().filter(second.strings("required")::contains).anyMatch(name -> {
            Object one = first.map("properties").get(name);
            Object other = second.map("properties").get(name);
            return one instanceof Map && other instanceof Map && disjoint(resolved(one, first), resolved(other, second), depth + 1);
        });
    }
}
