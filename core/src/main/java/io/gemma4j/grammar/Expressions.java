package io.gemma4j.grammar;

import io.gemma4j.grammar.Expression.Kind;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Makes expressions and their derivatives, equal ones only once. To be used under the lock of its grammar. */
final class Expressions {
    private static final int MAX_SEARCHED_STATES = 200_000;
    /** What one piece of work may cost: seconds. Ordinary forms take some thousands of steps for a token. */
    private static final int MAX_STEPS = 20_000_000;
    /** Levels within one another that fit the stack of any thread. */
    private static final int MAX_NESTING = 500;

    private final Map<Expression, Expression> unique = new HashMap<>();
    final Expression never = make(Kind.NEVER, ByteSet.NONE, List.of(), 0, 0);
    final Expression empty = make(Kind.EMPTY, ByteSet.NONE, List.of(), 0, 0);

    private int steps;
    private int nesting;

    /** Another piece of work begins: the making of a grammar, or what one token takes. */
    void beginWork() {
        steps = 0;
        nesting = 0;
    }

    /**
     * Counts work.
     *
     * @throws IllegalArgumentException if this piece of work has become too much
     */
    void count(int more) {
        steps += more;
        if (steps > MAX_STEPS) {
            throw tooComplex("more than " + MAX_STEPS + " steps for one token");
        }
    }

    private void descend() {
        count(1);
        if (++nesting > MAX_NESTING) {
            throw tooComplex("more than " + MAX_NESTING + " parts within or after one another that may each be left out");
        }
    }

    private static IllegalArgumentException tooComplex(String why) {
        return new IllegalArgumentException("the constraint combines conditions in a way that is too complex to be held: " + why);
    }

    private Expression make(Kind kind, ByteSet bytes, List<Expression> parts, int min, int max) {
        Expression made = new Expression(kind, bytes, parts, min, max);
        Expression known = unique.putIfAbsent(made, made);
        if (known == null) {
            made.id = unique.size();
            return made;
        }
        return known;
    }

    Expression bytes(ByteSet set) {
        return set.isEmpty() ? never : make(Kind.BYTES, set, List.of(), 0, 0);
    }

    Expression range(int first, int last) {
        return bytes(ByteSet.range(first, last));
    }

    /** Exactly this text. */
    Expression literal(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        Expression result = empty;
        for (int i = utf8.length - 1; i >= 0; i--) {
            result = sequence(range(utf8[i] & 0xff, utf8[i] & 0xff), result);
        }
        return result;
    }

    Expression sequence(Expression... parts) {
        Expression result = empty;
        for (int i = parts.length - 1; i >= 0; i--) {
            result = pair(parts[i], result);
        }
        return result;
    }

    private Expression pair(Expression first, Expression second) {
        if (first == never || second == never) {
            return never;
        }
        if (first == empty) {
            return second;
        }
        if (second == empty) {
            return first;
        }
        Deque<Expression> parts = new ArrayDeque<>();
        Expression last = first;
        for (; last.kind == Kind.SEQUENCE; last = last.parts.get(1)) {
            parts.push(last.parts.get(0));
        }
        Expression result = make(Kind.SEQUENCE, ByteSet.NONE, List.of(last, second), 0, 0);
        for (Expression part : parts) {
            result = make(Kind.SEQUENCE, ByteSet.NONE, List.of(part, result), 0, 0);
        }
        count(parts.size());
        return result;
    }

    Expression choice(Expression... parts) {
        return choice(Arrays.asList(parts));
    }

    Expression choice(List<Expression> parts) {
        List<Expression> flat = new ArrayList<>();
        ByteSet single = ByteSet.NONE;
        for (Expression part : flattened(parts, Kind.CHOICE)) {
            if (part.kind == Kind.BYTES) {
                single = single.or(part.bytes);
            } else if (part != never) {
                flat.add(part);
            }
        }
        if (!single.isEmpty()) {
            flat.add(bytes(single));
        }
        return combined(Kind.CHOICE, flat, never);
    }

    /** What all of {@code parts} match. */
    Expression both(Expression... parts) {
        List<Expression> flat = flattened(Arrays.asList(parts), Kind.BOTH);
        return flat.contains(never) ? never : combined(Kind.BOTH, flat, never);
    }

    private static List<Expression> flattened(List<Expression> parts, Kind kind) {
        List<Expression> flat = new ArrayList<>();
        for (Expression part : parts) {
            if (part.kind == kind) {
                flat.addAll(part.parts);
            } else {
                flat.add(part);
            }
        }
        return flat;
    }

    private Expression combined(Kind kind, List<Expression> parts, Expression ofNone) {
        count(parts.size());
        List<Expression> ordered = parts.stream().distinct().sorted(Comparator.comparingInt(part -> part.id)).toList();
        return switch (ordered.size()) {
            case 0 -> ofNone;
            case 1 -> ordered.getFirst();
            default -> make(kind, ByteSet.NONE, ordered, 0, 0);
        };
    }

    /** {@code part}, from {@code min} to {@code max} times. */
    Expression repeat(Expression part, int min, int max) {
        int least = part.nullable ? 0 : min;
        if (max == 0 || part == empty || part == never && least == 0) {
            return empty;
        }
        if (part == never || least == 1 && max == 1) {
            return part;
        }
        return make(Kind.REPEAT, ByteSet.NONE, List.of(part), least, max);
    }

    Expression optional(Expression part) {
        return choice(empty, part);
    }

    /** What may follow {@code value} in a text that {@code state} matches: NEVER if there is no such text. */
    Expression after(Expression state, byte value) {
        if (state.next == null) {
            state.next = row(state);
        }
        return state.next[value & 0xff];
    }

    private Expression[] row(Expression state) {
        Expression[] next = new Expression[256];
        for (int value = 0; value < next.length; value++) {
            next[value] = value > 0 && !state.boundaries.contains(value) ? next[value - 1] : alive(derivative(state, value));
        }
        return next;
    }

    private Expression alive(Expression state) {
        return shortestBytes(state) >= Symbol.ENDLESS ? never : state;
    }

    private Expression derivative(Expression e, int value) {
        descend();
        Expression derivative = switch (e.kind) {
            case NEVER, EMPTY -> never;
            case BYTES -> e.bytes.contains(value) ? empty : never;
            case SEQUENCE -> {
                Expression started = pair(derivative(e.parts.get(0), value), e.parts.get(1));
                yield e.parts.get(0).nullable ? choice(started, derivative(e.parts.get(1), value)) : started;
            }
            case CHOICE -> choice(e.parts.stream().map(part -> derivative(part, value)).toList());
            case BOTH -> both(e.parts.stream().map(part -> derivative(part, value)).toArray(Expression[]::new));
            case REPEAT -> pair(derivative(e.parts.getFirst(), value), repeat(e.parts.getFirst(), Math.max(0, e.min - 1),
                    e.max == Expression.UNBOUNDED ? e.max : e.max - 1));
        };
        nesting--;
        return derivative;
    }

    /** Bytes of the shortest text that {@code e} matches, {@link Symbol#ENDLESS} if there is none. */
    int shortestBytes(Expression e) {
        if (e.shortestBytes < 0) {
            e.searched = searched(e);
            e.shortestBytes = e.searched == null ? Symbol.ENDLESS : e.searched.length;
        }
        return e.shortestBytes;
    }

    /** Writes a shortest text that {@code e} matches; there has to be one. */
    void writeShortest(Expression e, ByteArrayOutputStream text) {
        Expression rest = e;
        while (rest.kind == Kind.SEQUENCE && !rest.intersects) {
            writeShortest(rest.parts.get(0), text);
            rest = rest.parts.get(1);
        }
        int bytes = shortestBytes(rest);
        if (rest.intersects) {
            text.writeBytes(rest.searched);
        } else if (rest.kind == Kind.BYTES) {
            text.write(rest.bytes.plainest());
        } else if (rest.kind == Kind.CHOICE) {
            writeShortest(rest.parts.stream().filter(part -> part.shortestBytes == bytes).findFirst().orElseThrow(), text);
        } else if (rest.kind == Kind.REPEAT) {
            for (int i = 0; i < rest.min; i++) {
                writeShortest(rest.parts.getFirst(), text);
            }
        }
    }

    /**
     * An expression that reads texts of up to {@code bytes} bytes as {@code e} does, with counts no higher than needed for that: states that differ only
     * in high counts become one.
     */
    Expression saturated(Expression e, int bytes) {
        if (!e.counts) {
            return e;
        }
        descend();
        Expression saturated = switch (e.kind) {
            case NEVER, EMPTY, BYTES -> e;
            case SEQUENCE -> pair(saturated(e.parts.get(0), bytes), saturated(e.parts.get(1), bytes));
            case CHOICE -> choice(e.parts.stream().map(part -> saturated(part, bytes)).toList());
            case BOTH -> both(e.parts.stream().map(part -> saturated(part, bytes)).toArray(Expression[]::new));
            case REPEAT -> repeat(saturated(e.parts.getFirst(), bytes), Math.min(e.min, bytes + 1), e.max > bytes ? Expression.UNBOUNDED : e.max);
        };
        nesting--;
        return saturated;
    }

    private record Reached(Reached from, byte value, Expression state, int length) {}

    // Breadth first over derivatives. Texts of states that were searched before are known and taken as they are.
    private byte[] searched(Expression e) {
        Map<Expression, Reached> seen = new HashMap<>();
        Deque<Reached> queue = new ArrayDeque<>();
        queue.add(new Reached(null, (byte) 0, e, 0));
        while (!queue.isEmpty()) {
            Reached reached = queue.remove();
            Expression state = reached.state();
            if (state.nullable || state.searched != null) {
                return path(reached, state.nullable ? new byte[0] : state.searched);
            }
            if (seen.size() > MAX_SEARCHED_STATES) {
                throw tooComplex("more than " + MAX_SEARCHED_STATES + " states to its shortest text");
            }
            for (int value = 0; value < 256; value++) {
                if (value == 0 || state.boundaries.contains(value)) {
                    Expression next = derivative(state, plainest(state, value));
                    if (next != never && !seen.containsKey(next)) {
                        Reached step = new Reached(reached, (byte) plainest(state, value), next, reached.length() + 1);
                        seen.put(next, step);
                        queue.add(step);
                    }
                }
            }
        }
        return null;
    }

    // Of the bytes from first on that have one derivative, one that reads well.
    private static int plainest(Expression state, int first) {
        int last = first;
        while (last < 255 && !state.boundaries.contains(last + 1)) {
            last++;
        }
        return ByteSet.range(first, last).plainest() & 0xff;
    }

    private static byte[] path(Reached reached, byte[] rest) {
        byte[] text = new byte[reached.length() + rest.length];
        System.arraycopy(rest, 0, text, reached.length(), rest.length);
        for (Reached step = reached; step.from() != null; step = step.from()) {
            text[step.length() - 1] = step.value();
        }
        return text;
    }
}
