package io.gemma4j.grammar;

import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntPredicate;

/** A set of Unicode characters: code points without surrogates. Immutable and thread-safe. */
final class CodePoints {
    private static final int FIRST_SURROGATE = 0xD800;
    private static final int LAST_SURROGATE = 0xDFFF;
    static final CodePoints ALL = range(0, FIRST_SURROGATE - 1).or(range(LAST_SURROGATE + 1, Character.MAX_CODE_POINT));

    /** Ranges by their first code point, apart from each other, with their last one. */
    private final TreeMap<Integer, Integer> ranges;

    private CodePoints(TreeMap<Integer, Integer> ranges) {
        this.ranges = ranges;
    }

    static CodePoints none() {
        return new CodePoints(new TreeMap<>());
    }

    static CodePoints range(int first, int last) {
        return new CodePoints(new TreeMap<>(Map.of(first, last)));
    }

    static CodePoints of(String characters) {
        return characters.codePoints().mapToObj(c -> range(c, c)).reduce(none(), CodePoints::or);
    }

    static CodePoints matching(IntPredicate predicate) {
        TreeMap<Integer, Integer> ranges = new TreeMap<>();
        int first = -1;
        for (int c = 0; c <= Character.MAX_CODE_POINT + 1; c++) {
            boolean in = c <= Character.MAX_CODE_POINT && (c < FIRST_SURROGATE || c > LAST_SURROGATE) && predicate.test(c);
            if (in && first < 0) {
                first = c;
            } else if (!in && first >= 0) {
                ranges.put(first, c - 1);
                first = -1;
            }
        }
        return new CodePoints(ranges);
    }

    CodePoints or(CodePoints other) {
        TreeMap<Integer, Integer> joined = new TreeMap<>(ranges);
        other.ranges.forEach((first, last) -> {
            int from = first;
            int to = last;
            Map.Entry<Integer, Integer> touching = joined.floorEntry(to + 1);
            while (touching != null && touching.getValue() >= from - 1) {
                from = Math.min(from, touching.getKey());
                to = Math.max(to, touching.getValue());
                joined.remove(touching.getKey());
                touching = joined.floorEntry(to + 1);
            }
            joined.put(from, to);
        });
        return new CodePoints(joined);
    }

    /** All characters that are not in this set. */
    CodePoints complement() {
        return ALL.minus(this);
    }

    CodePoints minus(CodePoints other) {
        TreeMap<Integer, Integer> left = new TreeMap<>();
        ranges.forEach((first, last) -> {
            int from = first;
            for (Map.Entry<Integer, Integer> gone : other.ranges.entrySet()) {
                if (gone.getValue() >= from && gone.getKey() <= last) {
                    if (gone.getKey() > from) {
                        left.put(from, gone.getKey() - 1);
                    }
                    from = gone.getValue() + 1;
                }
            }
            if (from <= last) {
                left.put(from, last);
            }
        });
        return new CodePoints(left);
    }

    boolean contains(int c) {
        Map.Entry<Integer, Integer> range = ranges.floorEntry(c);
        return range != null && range.getValue() >= c;
    }

    /** Ranges by their first code point, apart from each other, with their last one. */
    Map<Integer, Integer> ranges() {
        return ranges;
    }
}
