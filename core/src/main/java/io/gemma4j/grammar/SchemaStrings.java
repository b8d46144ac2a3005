package io.gemma4j.grammar;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Strings of schemas. To be used under the lock of its grammar. */
final class SchemaStrings {
    private static final String DATE = "[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))";
    private static final String TIME = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";
    private static final String BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
    /** RFC 3339, RFC 9562 and RFC 2673, without leap days and leap seconds. */
    private static final Map<String, String> FORMATS = Map.of(
            "date", DATE,
            "time", TIME,
            "date-time", "(" + DATE + ")T(" + TIME + ")",
            "uuid", "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
            "ipv4", "(" + BYTE + "\\.){3}" + BYTE);

    private final Expressions expressions;
    private final JsonCharacters characters;
    private final Expression any;

    SchemaStrings(Expressions expressions) {
        this.expressions = expressions;
        this.characters = new JsonCharacters(expressions);
        this.any = characters.any();
    }

    /** Strings that satisfy a schema, in their quotes. */
    Expression of(SchemaNode node) {
        int min = node.count("minLength", 0);
        int max = node.count("maxLength", Expression.UNBOUNDED);
        if (max < min) {
            return expressions.never;
        }
        List<Expression> conditions = new ArrayList<>();
        if (node.has("pattern")) {
            conditions.add(matching(node));
        }
        if (node.has("format")) {
            conditions.add(formatted(node));
        }
        if (conditions.isEmpty()) {
            return quoted(expressions.repeat(any, min, max));
        }
        if (min > 0 || max < Expression.UNBOUNDED) {
            conditions.add(expressions.repeat(characters.of(CodePoints.ALL), min, max));
        }
        return quoted(expressions.both(conditions.toArray(Expression[]::new)));
    }

    private Expression matching(SchemaNode node) {
        try {
            return RegexParser.anywhere(expressions, characters::of, node.string("pattern"));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("schema at " + node.path("pattern") + ": " + e.getMessage(), e);
        }
    }

    private Expression formatted(SchemaNode node) {
        String pattern = FORMATS.get(node.string("format"));
        if (pattern == null) {
            throw node.unexpected("format", "one of " + FORMATS.keySet().stream().sorted().toList() + ", which are supported, or a pattern instead");
        }
        return RegexParser.whole(expressions, characters::of, pattern);
    }

    private Expression quoted(Expression content) {
        return expressions.sequence(expressions.literal("\""), content, expressions.literal("\""));
    }

    /** A string in its quotes that is none of these. */
    Expression otherThan(List<String> excluded) {
        return excluded.isEmpty() ? quoted(expressions.repeat(any, 0, Expression.UNBOUNDED)) : characters.stringOtherThan(excluded);
    }
}
