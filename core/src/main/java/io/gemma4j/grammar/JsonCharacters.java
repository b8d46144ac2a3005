package io.gemma4j.grammar;

import java.util.ArrayList;
import java.util.List;

/** Characters of a string as they stand in JSON (RFC 8259, section 7). To be used under the lock of its grammar. */
final class JsonCharacters {
    private static final int FIRST_PRINTABLE = 0x20;
    private static final String SHORT_ESCAPES = "\b\f\n\r\t";
    private static final String SHORT_NAMES = "bfnrt";

    private final Expressions expressions;
    private final Utf8Characters utf8;
    private final Expression hexadecimal;

    JsonCharacters(Expressions expressions) {
        this.expressions = expressions;
        this.utf8 = new Utf8Characters(expressions);
        this.hexadecimal = characters("0123456789abcdefABCDEF");
    }

    /** One character of the set, in the one way it is usually written. */
    Expression of(CodePoints set) {
        CodePoints escaped = CodePoints.range(0, FIRST_PRINTABLE - 1).or(CodePoints.of("\"\\"));
        List<Expression> parts = new ArrayList<>();
        parts.add(utf8.of(set.minus(escaped)));
        escaped.ranges().forEach((first, last) -> {
            for (int c = first; c <= last; c++) {
                if (set.contains(c)) {
                    parts.add(expressions.literal(escape(c)));
                }
            }
        });
        return expressions.choice(parts);
    }

    private static String escape(int c) {
        int name = SHORT_ESCAPES.indexOf(c);
        if (name >= 0) {
            return "\\" + SHORT_NAMES.charAt(name);
        }
        return c < FIRST_PRINTABLE ? String.format("\\u%04x", c) : "\\" + (char) c;
    }

    /** Any character, in any of the ways it may be written, but no half of a surrogate pair. */
    Expression any() {
        Expression three = expressions.sequence(hexadecimal, hexadecimal, hexadecimal);
        Expression two = expressions.sequence(hexadecimal, hexadecimal);
        Expression d = characters("dD");
        Expression notSurrogate = expressions.choice(expressions.sequence(characters("0123456789abcefABCEF"), three),
                expressions.sequence(d, characters("01234567"), two));
        Expression pair = expressions.sequence(d, characters("89abAB"), two, expressions.literal("\\u"), d, characters("cdefCDEF"), two);
        Expression escape = expressions.choice(characters("\"\\/bfnrt"),
                expressions.sequence(expressions.literal("u"), expressions.choice(notSurrogate, pair)));
        return expressions.choice(plain(), expressions.sequence(expressions.literal("\\"), escape));
    }

    /** Any character that needs no escape. */
    private Expression plain() {
        return utf8.of(CodePoints.range(0, FIRST_PRINTABLE - 1).or(CodePoints.of("\"\\")).complement());
    }

    private Expression characters(String set) {
        return utf8.of(CodePoints.of(set));
    }

    /** A string in quotes whose text is not one of {@code excluded}, written without escapes. */
    Expression stringOtherThan(List<String> excluded) {
        return expressions.sequence(expressions.literal("\""), otherThan(excluded), expressions.literal("\""));
    }

    // What is left of a text of which these must not be the rest.
    private Expression otherThan(List<String> excluded) {
        Expression any = expressions.repeat(plain(), 0, Expression.UNBOUNDED);
        if (excluded.isEmpty()) {
            return any;
        }
        List<Expression> parts = new ArrayList<>();
        CodePoints others = CodePoints.range(0, FIRST_PRINTABLE - 1).or(CodePoints.of("\"\\")).complement();
        List<Integer> firsts = excluded.stream().filter(text -> !text.isEmpty()).map(text -> text.codePointAt(0)).distinct().toList();
        for (int first : firsts) {
            CodePoints only = CodePoints.range(first, first);
            List<String> rests = excluded.stream().filter(text -> !text.isEmpty() && text.codePointAt(0) == first)
                    .map(text -> text.substring(Character.charCount(first))).toList();
            if (others.contains(first)) {
                parts.add(expressions.sequence(utf8.of(only), otherThan(rests)));
                others = others.minus(only);
            }
        }
        parts.add(expressions.sequence(utf8.of(others), any));
        if (!excluded.contains("")) {
            parts.add(expressions.empty);
        }
        return expressions.choice(parts);
    }
}
