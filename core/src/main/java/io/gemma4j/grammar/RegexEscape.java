package io.gemma4j.grammar;

import java.util.function.IntConsumer;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** One escape of a regular expression, beginning with its backslash. */
final class RegexEscape {
    private static final CodePoints DIGITS = CodePoints.range('0', '9');
    private static final CodePoints WORD = DIGITS.or(CodePoints.range('a', 'z')).or(CodePoints.range('A', 'Z')).or(CodePoints.range('_', '_'));
    // java.util.regex knows fewer white spaces than ECMA 262 does.
    private static final CodePoints SPACES = CodePoints.of(" \t\n\u000B\f\r");
    private static final CodePoints WIDE_SPACES = SPACES.or(CodePoints.of("\u00A0\uFEFF\u1680\u2028\u2029\u202F\u205F\u3000"))
            .or(CodePoints.range(0x2000, 0x200A));

    private final String pattern;
    private final int start;
    private final IntConsumer end;
    private int at;

    /** @param end takes the place after the escape, once it is read */
    RegexEscape(String pattern, int start, IntConsumer end) {
        this.pattern = pattern;
        this.start = start;
        this.end = end;
        this.at = start + 1;
    }

    /**
     * What it stands for.
     *
     * @param wide whether characters that not everyone counts as white space belong to it, since the set is going to be turned round
     */
    CodePoints read(boolean wide) {
        int single = readSingle();
        if (single >= 0) {
            return CodePoints.range(single, single);
        }
        char kind = pattern.charAt(at++);
        CodePoints set = switch (kind) {
            case 'd' -> DIGITS;
            case 'D' -> DIGITS.complement();
            case 'w' -> WORD;
            case 'W' -> WORD.complement();
            case 's' -> wide ? WIDE_SPACES : SPACES;
            case 'S' -> (wide ? SPACES : WIDE_SPACES).complement();
            default -> property();
        };
        end.accept(at);
        return set;
    }

    /** The character that it stands for, or -1 if it stands for a set, which is still to be read. */
    int readSingle() {
        if (at == pattern.length()) {
            throw unexpected(pattern, start, "something after the backslash");
        }
        char kind = pattern.charAt(at);
        if ("dDwWsSpP".indexOf(kind) >= 0) {
            return -1;
        }
        at++;
        int c = switch (kind) {
            case 'n' -> '\n';
            case 't' -> '\t';
            case 'r' -> '\r';
            case 'f' -> '\f';
            case 'v' -> '\u000B';
            case 'x' -> hexadecimal(2);
            case 'u' -> codeUnits();
            default -> {
                if (kind >= 0x80 || Character.isLetterOrDigit(kind)) {
                    throw unexpected(pattern, start, "no \\" + kind + ": back references, word boundaries and the like are not supported");
                }
                yield kind;
            }
        };
        end.accept(at);
        return c;
    }

    private int codeUnits() {
        int c = hexadecimal(4);
        if (Character.isHighSurrogate((char) c) && pattern.startsWith("\\u", at)) {
            at += 2;
            c = Character.toCodePoint((char) c, (char) hexadecimal(4));
        }
        if (!CodePoints.ALL.contains(c)) {
            throw unexpected(pattern, start, "no half of a surrogate pair");
        }
        return c;
    }

    private int hexadecimal(int digits) {
        int value = 0;
        for (int i = 0; i < digits; i++, at++) {
            int digit = at < pattern.length() ? Character.digit(pattern.charAt(at), 16) : -1;
            if (digit < 0) {
                throw unexpected(pattern, start, digits + " hexadecimal digits");
            }
            value = 16 * value + digit;
        }
        return value;
    }

    private CodePoints property() {
        int close = pattern.indexOf('}', at);
        if (close < 0 || pattern.charAt(at) != '{') {
            throw unexpected(pattern, start, "a property as \\p{L}");
        }
        at = close + 1;
        try {
            Pattern property = Pattern.compile(pattern.substring(start, at));
            return CodePoints.matching(c -> property.matcher(Character.toString(c)).matches());
        } catch (PatternSyntaxException e) {
            throw unexpected(pattern, start, "a property that is known (" + e.getDescription() + ")");
        }
    }

    static IllegalArgumentException unexpected(String pattern, int at, String expected) {
        return new IllegalArgumentException("pattern '" + pattern + "': expected " + expected + " at character " + at + ", found "
                + (at < pattern.length() ? "'" + pattern.charAt(at) + "'" : "the end"));
    }
}
