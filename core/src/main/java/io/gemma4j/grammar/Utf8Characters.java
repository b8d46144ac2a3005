package io.gemma4j.grammar;

import java.util.ArrayList;
import java.util.List;

/** Characters as expressions over the bytes of their UTF-8 form (RFC 3629). To be used under the lock of its grammar. */
final class Utf8Characters {
    private static final int[] LAST_OF_LENGTH = {0x7F, 0x7FF, 0xFFFF, Character.MAX_CODE_POINT};

    private final Expressions expressions;

    Utf8Characters(Expressions expressions) {
        this.expressions = expressions;
    }

    /** One character of the set. */
    Expression of(CodePoints set) {
        List<Expression> parts = new ArrayList<>();
        set.ranges().forEach((first, last) -> {
            int from = first;
            for (int length = 1; length <= LAST_OF_LENGTH.length && from <= last; length++) {
                int to = Math.min(last, LAST_OF_LENGTH[length - 1]);
                if (from <= to) {
                    parts.add(range(from, to, length - 1));
                    from = to + 1;
                }
            }
        });
        return expressions.choice(parts);
    }

    // Characters from first to last, which have the same number of continuation bytes.
    private Expression range(int first, int last, int continuations) {
        if (continuations == 0) {
            return expressions.range(first, last);
        }
        return parts(first, last, continuations, lead(continuations));
    }

    private static int lead(int continuations) {
        return 0xFF00 >> continuations + 1 & 0xFF;
    }

    // The number's upper bits go into a byte above `marker`, the rest into so many continuation bytes.
    private Expression parts(int first, int last, int continuations, int marker) {
        if (continuations == 0) {
            return expressions.range(marker | first, marker | last);
        }
        int shift = 6 * continuations;
        int low = (1 << shift) - 1;
        int firstTop = first >> shift;
        int lastTop = last >> shift;
        if (firstTop == lastTop) {
            return byteThen(marker, firstTop, firstTop, rest(first & low, last & low, continuations));
        }
        List<Expression> alternatives = new ArrayList<>();
        if ((first & low) != 0) {
            alternatives.add(byteThen(marker, firstTop, firstTop, rest(first & low, low, continuations)));
            firstTop++;
        }
        if ((last & low) != low) {
            alternatives.add(byteThen(marker, lastTop, lastTop, rest(0, last & low, continuations)));
            lastTop--;
        }
        if (firstTop <= lastTop) {
            alternatives.add(byteThen(marker, firstTop, lastTop, rest(0, low, continuations)));
        }
        return expressions.choice(alternatives);
    }

    private Expression byteThen(int marker, int first, int last, Expression rest) {
        return expressions.sequence(expressions.range(marker | first, marker | last), rest);
    }

    private Expression rest(int first, int last, int continuations) {
        return parts(first, last, continuations - 1, 0x80);
    }
}
