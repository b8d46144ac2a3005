package io.gemma4j.chat;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What Jinja does to text and maps, where it differs from Java's own methods. */
final class TemplateText {
    // Jinja's dictsort ignores case and compares code points.
    private static final Comparator<Map.Entry<String, ?>> BY_KEY = (a, b) -> compareCodePoints(a.getKey().toLowerCase(Locale.ROOT),
            b.getKey().toLowerCase(Locale.ROOT));

    private TemplateText() {}

    /** The text without white space around it; no-break spaces count as such, unlike in {@link String#strip()}. */
    static String trim(String text) {
        int from = 0;
        int to = text.length();
        while (from < to && isSpace(text.charAt(from))) {
            from++;
        }
        while (to > from && isSpace(text.charAt(to - 1))) {
            to--;
        }
        return text.substring(from, to);
    }

    private static boolean isSpace(char c) {
        return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == '\u0085';
    }

    /** The entries in the order of the template. */
    static <V> List<Map.Entry<String, V>> sorted(Map<String, V> map) {
        return map.entrySet().stream().sorted(BY_KEY).toList();
    }

    static String upper(String text) {
        return text.toUpperCase(Locale.ROOT);
    }

    private static int compareCodePoints(String a, String b) {
        int[] left = a.codePoints().toArray();
        int[] right = b.codePoints().toArray();
        return Arrays.compare(left, right);
    }
}
