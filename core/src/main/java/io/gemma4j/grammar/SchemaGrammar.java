package io.gemma4j.grammar;

import io.gemma4j.chat.Json;
import io.gemma4j.grammar.Symbol.Rule;
import java.math.BigDecimal;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Makes a grammar of a JSON schema (draft 2020-12). Its texts all satisfy the schema; they are not all that do: properties come in the order of the
 * schema, white space is limited, and objects that name their properties have no others unless the schema says so. To be used under the lock of its
 * grammar.
 */
final class SchemaGrammar {
    private static final Set<String> STRING_KEYWORDS = Set.of("minLength", "maxLength", "pattern", "format");
    private static final Set<String> NUMBER_KEYWORDS = Set.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum");
    private static final Set<String> ARRAY_KEYWORDS = Set.of("items", "prefixItems", "minItems", "maxItems");
    private static final Set<String> OBJECT_KEYWORDS = Set.of("properties", "required", "additionalProperties");
    private static final int MAX_INDENT = 20;
    /** References that lead from one to the next, each within the schema that the one before leads to: they are followed on the stack. */
    private static final int MAX_REFERENCES = 200;

    private final Expressions expressions;
    private final Object document;
    private final List<Rule> rules = new ArrayList<>();
    private final Map<String, Rule> references = new HashMap<>();
    private final SchemaTypes types;
    private final SchemaStrings strings;
    private final JsonNumbers numbers;
    private final Expression space;
    private final Symbol nothing;
    private Rule anyValue;
    private int openReferences;

    SchemaGrammar(Expressions expressions, Object document) {
        this.expressions = expressions;
        this.document = document;
        this.types = new SchemaTypes(this);
        this.strings = new SchemaStrings(expressions);
        this.numbers = new JsonNumbers(expressions);
        Expression indent = expressions.repeat(expressions.choice(expressions.literal(" "), expressions.literal("\t")), 0, MAX_INDENT);
        this.space = expressions.choice(expressions.empty, expressions.literal(" "), expressions.sequence(expressions.literal("\n"), indent));
        this.nothing = terminal(expressions.never);
    }

    /** The document itself. */
    Symbol root() {
        return reference("#", SchemaNode.of(Map.of(), "#"));
    }

    /** All rules that were made. */
    List<Rule> rules() {
        return rules;
    }

    Rule newRule() {
        Rule rule = new Rule();
        rules.add(rule);
        return rule;
    }

    Symbol terminal(Expression... sequence) {
        return Grammar.terminal(expressions, expressions.sequence(sequence));
    }

    Expression literal(String text) {
        return expressions.literal(text);
    }

    /** White space that may stand between two parts of a document, as people or programs put it. */
    Expression space() {
        return space;
    }

    /** The key of an object that is none of these. */
    Expression keyOtherThan(List<String> keys) {
        return strings.otherThan(keys);
    }

    /** What satisfies a schema that stands at {@code path}. */
    Symbol value(Object schema, String path) {
        if (schema instanceof Boolean allowed) {
            return allowed ? any() : nothing;
        }
        SchemaNode node = SchemaNode.of(schema, path);
        if (node.has("$ref")) {
            node.allowOnly(Set.of("$ref"), " beside $ref");
            return reference(node.string("$ref"), node);
        }
        if (node.has("const") || node.has("enum")) {
            node.allowOnly(Set.of("const", "enum", "type"), " beside enum or const");
            return constants(node);
        }
        for (String combination : List.of("anyOf", "oneOf", "allOf")) {
            if (node.has(combination)) {
                node.allowOnly(Set.of(combination), " beside " + combination);
                return combined(node, combination);
            }
        }
        return typed(node);
    }

    private Symbol reference(String reference, SchemaNode at) {
        Rule known = references.get(reference);
        if (known == null) {
            if (++openReferences > MAX_REFERENCES) {
                throw at.unexpected("$ref", "at most " + MAX_REFERENCES + " references that lead from one to the next");
            }
            known = newRule();
            references.put(reference, known);
            known.add(value(target(reference, at), reference));
            openReferences--;
        }
        return known;
    }

    /** What a reference within the document points to. */
    Object target(String reference, SchemaNode at) {
        if (!reference.equals("#") && !reference.startsWith("#/")) {
            throw at.unexpected("$ref", "a reference within the schema, beginning with '#' or '#/'");
        }
        Object target = document;
        for (String step : reference.substring(1).split("/")) {
            if (!step.isEmpty()) {
                String key = URLDecoder.decode(step.replace("+", "%2B"), StandardCharsets.UTF_8).replace("~1", "/").replace("~0", "~");
                target = switch (target) {
                    case Map<?, ?> map when map.containsKey(key) -> map.get(key);
                    case List<?> list when key.matches("[0-9]{1,6}") && Integer.parseInt(key) < list.size() -> list.get(Integer.parseInt(key));
                    case null, default -> throw at.unexpected("$ref", "a reference to something in the schema");
                };
            }
        }
        return target;
    }

    private Symbol constants(SchemaNode node) {
        List<?> values = types.constants(node);
        return terminal(expressions.choice(values.stream().map(value -> literal(Json.write(value))).toList()));
    }

    private Symbol combined(SchemaNode node, String combination) {
        List<?> schemas = node.list(combination);
        if (schemas.isEmpty() || combination.equals("allOf") && schemas.size() > 1) {
            throw node.unexpected(combination, combination.equals("allOf") ? "one schema; the conjunction of several is not supported"
                    : "at least one schema");
        }
        if (combination.equals("oneOf")) {
            types.requireDisjoint(node);
        }
        Rule rule = newRule();
        for (int i = 0; i < schemas.size(); i++) {
            rule.add(value(schemas.get(i), node.path(combination + "/" + i)));
        }
        return rule;
    }

    private Symbol typed(SchemaNode node) {
        Set<String> supported = new LinkedHashSet<>(STRING_KEYWORDS);
        supported.addAll(NUMBER_KEYWORDS);
        supported.addAll(ARRAY_KEYWORDS);
        supported.addAll(OBJECT_KEYWORDS);
        supported.add("type");
        if (Boolean.FALSE.equals(node.get("uniqueItems"))) {
            supported.add("uniqueItems");
        }
        node.allowOnly(supported, "");
        Set<String> wanted = types.of(node);
        if (wanted.equals(SchemaTypes.ALL) && supported.stream().noneMatch(keyword -> node.has(keyword) && !keyword.equals("type"))) {
            return any();
        }
        if (wanted.size() == 1) {
            return ofType(node, wanted.iterator().next());
        }
        Rule rule = newRule();
        for (String type : wanted) {
            rule.add(ofType(node, type));
        }
        return rule;
    }

    private Symbol ofType(SchemaNode node, String type) {
        return switch (type) {
            case "null" -> terminal(literal("null"));
            case "boolean" -> terminal(expressions.choice(literal("true"), literal("false")));
            case "integer" -> terminal(numbers.integer(low(node), high(node)));
            case "number" -> terminal(numbers.number(low(node), high(node)));
            case "string" -> terminal(strings.of(node));
            case "array" -> new SchemaArray(this, node).rule();
            default -> new SchemaObject(this, node).rule();
        };
    }

    private static JsonNumbers.Bound low(SchemaNode node) {
        BigDecimal inclusive = node.decimal("minimum").orElse(null);
        BigDecimal exclusive = node.decimal("exclusiveMinimum").orElse(null);
        boolean isExclusive = exclusive != null && (inclusive == null || exclusive.compareTo(inclusive) >= 0);
        return new JsonNumbers.Bound(isExclusive ? exclusive : inclusive, isExclusive);
    }

    private static JsonNumbers.Bound high(SchemaNode node) {
        BigDecimal inclusive = node.decimal("maximum").orElse(null);
        BigDecimal exclusive = node.decimal("exclusiveMaximum").orElse(null);
        boolean isExclusive = exclusive != null && (inclusive == null || exclusive.compareTo(inclusive) <= 0);
        return new JsonNumbers.Bound(isExclusive ? exclusive : inclusive, isExclusive);
    }

    /** Any value. */
    Symbol any() {
        if (anyValue == null) {
            anyValue = newRule();
            SchemaNode free = SchemaNode.of(Map.of(), "#");
            for (String type : SchemaTypes.ALL) {
                anyValue.add(ofType(free, type));
            }
        }
        return anyValue;
    }
}
