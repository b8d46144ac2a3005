package io.gemma4j.grammar;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * Reads regular expressions: what java.util.regex and ECMA 262 have in common and mean alike. Where they differ in what a class holds, white space and
 * line ends, it is what both allow. To be used under the lock of its grammar.
 */
final class RegexParser {
    private static final int MAX_REPETITIONS = 100_000;

    private final Expressions expressions;
    private final Function<CodePoints, Expression> character;
    private final String pattern;
    private int at;
    private int depth;

    private RegexParser(Expressions expressions, Function<CodePoints, Expression> character, String pattern) {
        this.expressions = expressions;
        this.character = character;
        this.pattern = pattern;
    }

    /**
     * Reads a pattern that a text has to match as a whole.
     *
     * @param character how one character of a set is written
     * @throws IllegalArgumentException if it cannot be read; names the place
     */
    static Expression whole(Expressions expressions, Function<CodePoints, Expression> character, String pattern) {
        return new RegexParser(expressions, character, pattern).read(expressions.empty);
    }

    /** Reads a pattern that has to match somewhere in a text. */
    static Expression anywhere(Expressions expressions, Function<CodePoints, Expression> character, String pattern) {
        Expression any = expressions.repeat(character.apply(CodePoints.ALL), 0, Expression.UNBOUNDED);
        return new RegexParser(expressions, character, pattern).read(any);
    }

    private Expression read(Expression around) {
        List<Expression> branches = new ArrayList<>();
        do {
            boolean fromStart = skip('^');
            Expression branch = sequence();
            boolean toEnd = skip('$');
            branches.add(expressions.sequence(fromStart ? expressions.empty : around, branch, toEnd ? expressions.empty : around));
        } while (skip('|'));
        if (at < pattern.length()) {
            throw unexpected(switch (pattern.charAt(at)) {
                case ')' -> "no ')' without a '('";
                case '$' -> "'$' at the end only";
                default -> "the end";
            });
        }
        return expressions.choice(branches);
    }

    private Expression choice() {
        List<Expression> branches = new ArrayList<>();
        do {
            branches.add(sequence());
        } while (skip('|'));
        return expressions.choice(branches);
    }

    private Expression sequence() {
        List<Expression> parts = new ArrayList<>();
        while (at < pattern.length() && "|)$".indexOf(pattern.charAt(at)) < 0) {
            parts.add(repeated(atom()));
        }
        return expressions.sequence(parts.toArray(Expression[]::new));
    }

    private Expression atom() {
        switch (pattern.charAt(at)) {
            case '(' -> {
                return group();
            }
            case '[' -> {
                at++;
                return character.apply(bracket());
            }
            case '.' -> {
                at++;
                return character.apply(CodePoints.of("\n\r\u0085\u2028\u2029").complement());
            }
            case '\\' -> {
                return character.apply(new RegexEscape(pattern, at, next -> at = next).read(false));
            }
            case '^' -> throw unexpected("'^' at the start only");
            case '*', '+', '?', '{' -> throw unexpected("something to repeat");
            case ']', '}' -> throw unexpected("a backslash before it");
            default -> {
                int c = codePoint();
                return character.apply(CodePoints.range(c, c));
            }
        }
    }

    private Expression group() {
        int start = at++;
        if (skip('?') && !skip(':')) {
            int end = pattern.indexOf('>', at);
            if (!skip('<') || skip('=') || skip('!') || end < 0) {
                at = start;
                throw unexpected("a plain group; look-around and flags are not supported");
            }
            at = end + 1;
        }
        if (++depth > 200) {
            throw unexpected("at most 200 groups within each other");
        }
        Expression inner = choice();
        depth--;
        if (!skip(')')) {
            throw unexpected(at < pattern.length() ? "'$' at the end only" : "')'");
        }
        return inner;
    }

    private Expression repeated(Expression part) {
        if (at == pattern.length()) {
            return part;
        }
        int min;
        int max;
        switch (pattern.charAt(at)) {
            case '*' -> {
                min = 0;
                max = Expression.UNBOUNDED;
            }
            case '+' -> {
                min = 1;
                max = Expression.UNBOUNDED;
            }
            case '?' -> {
                min = 0;
                max = 1;
            }
            case '{' -> {
                at++;
                min = number();
                max = !skip(',') ? min : at < pattern.length() && pattern.charAt(at) == '}' ? Expression.UNBOUNDED : number();
                if (max < min || at == pattern.length() || pattern.charAt(at) != '}') {
                    throw unexpected("a repetition as {2}, {2,} or {2,3}");
                }
            }
            default -> {
                return part;
            }
        }
        at++;
        skip('?'); // a lazy repetition matches the same texts
        if (at < pattern.length() && "*+?{".indexOf(pattern.charAt(at)) >= 0) {
            throw unexpected("one repetition; possessive ones are not supported");
        }
        return expressions.repeat(part, min, max);
    }

    private int number() {
        int start = at;
        while (at < pattern.length() && Character.digit(pattern.charAt(at), 10) >= 0 && at - start < 7) {
            at++;
        }
        if (at == start || Integer.parseInt(pattern, start, at, 10) > MAX_REPETITIONS) {
            at = start;
            throw unexpected("a number up to " + MAX_REPETITIONS);
        }
        return Integer.parseInt(pattern, start, at, 10);
    }

    // The set after '['.
    private CodePoints bracket() {
        boolean negated = skip('^');
        CodePoints set = CodePoints.none();
        int start = at;
        while (true) {
            if (at == pattern.length()) {
                throw unexpected("']'");
            }
            if (pattern.charAt(at) == ']' && at > start) {
                at++;
                return negated ? set.complement() : set;
            }
            set = set.or(member(negated));
        }
    }

    private CodePoints member(boolean negated) {
        if (pattern.charAt(at) == '[' || pattern.charAt(at) == ']' || pattern.startsWith("&&", at)) {
            throw unexpected("a character; '[', ']' and '&' need a backslash within brackets");
        }
        int first = single();
        if (first < 0) {
            return new RegexEscape(pattern, at, next -> at = next).read(negated);
        }
        if (at + 1 >= pattern.length() || pattern.charAt(at) != '-' || pattern.charAt(at + 1) == ']') {
            return CodePoints.range(first, first).minus(CodePoints.ALL.complement());
        }
        at++;
        int last = single();
        if (last < first) {
            throw unexpected("a range with its ends in order");
        }
        return CodePoints.range(first, last).minus(CodePoints.ALL.complement());
    }

    // One character, or -1, without moving, if there is an escape that stands for a set.
    private int single() {
        if (pattern.charAt(at) != '\\') {
            return codePoint();
        }
        return new RegexEscape(pattern, at, next -> at = next).readSingle();
    }

    private int codePoint() {
        int c = pattern.codePointAt(at);
        if (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
            throw unexpected("no half of a surrogate pair");
        }
        at += Character.charCount(c);
        return c;
    }

    private boolean skip(char c) {
        if (at < pattern.length() && pattern.charAt(at) == c) {
            at++;
            return true;
        }
        return false;
    }

    private IllegalArgumentException unexpected(String expected) {
        return RegexEscape.unexpected(pattern, at, expected);
    }
}
