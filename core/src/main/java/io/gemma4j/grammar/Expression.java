package io.gemma4j.grammar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * A regular expression over bytes, made by {@link Expressions}, which makes equal ones only once. An expression is also a state of the automaton that
 * reads it: the state after a byte is the derivative with respect to it (Brzozowski, "Derivatives of Regular Expressions", JACM 11, 1964). To be used
 * under the lock of its grammar.
 */
final class Expression {
    /** Stands for "any number of times". */
    static final int UNBOUNDED = Integer.MAX_VALUE;

    enum Kind { NEVER, EMPTY, BYTES, SEQUENCE, CHOICE, BOTH, REPEAT }

    final Kind kind;
    final ByteSet bytes;
    /** Two of a sequence, two or more of a choice or an intersection, one that is repeated. */
    final List<Expression> parts;
    final int min;
    final int max;
    /** Whether the empty text matches. */
    final boolean nullable;
    /** Whether it has an intersection in it, so that it may match nothing without being NEVER. */
    final boolean intersects;
    /** Bytes at which another derivative than that of the byte before may begin. */
    final ByteSet boundaries;
    /** The order in which expressions were made. */
    int id;
    /** The derivatives by byte, once they are known. */
    Expression[] next;
    /** Whether anything is repeated. */
    final boolean loops;
    /** Whether it counts repetitions. */
    final boolean counts;
    /** Bytes of the shortest text that matches, {@link Symbol#ENDLESS} if there is none; -1 where that has to be searched for. */
    int shortestBytes;
    /** That text, where it had to be searched for. */
    byte[] searched;
    private final int hash;

    Expression(Kind kind, ByteSet bytes, List<Expression> parts, int min, int max) {
        this.kind = kind;
        this.bytes = bytes;
        this.parts = parts;
        this.min = min;
        this.max = max;
        this.nullable = switch (kind) {
            case NEVER, BYTES -> false;
            case EMPTY -> true;
            case SEQUENCE, BOTH -> parts.stream().allMatch(part -> part.nullable);
            case CHOICE -> parts.stream().anyMatch(part -> part.nullable);
            case REPEAT -> min == 0;
        };
        this.intersects = kind == Kind.BOTH || parts.stream().anyMatch(part -> part.intersects);
        this.boundaries = switch (kind) {
            case NEVER, EMPTY -> ByteSet.NONE;
            case BYTES -> bytes.boundaries();
            case SEQUENCE -> parts.get(0).nullable ? parts.get(0).boundaries.or(parts.get(1).boundaries) : parts.get(0).boundaries;
            case CHOICE, BOTH, REPEAT -> parts.stream().map(part -> part.boundaries).reduce(ByteSet.NONE, ByteSet::or);
        };
        this.counts = kind == Kind.REPEAT && (min > 1 || max < UNBOUNDED) || parts.stream().anyMatch(part -> part.counts);
        this.loops = kind == Kind.REPEAT || parts.stream().anyMatch(part -> part.loops);
        this.shortestBytes = intersects ? -1 : composedBytes();
        int[] partIds = parts.stream().mapToInt(part -> part.id).toArray();
        this.hash = 31 * (31 * (31 * (31 * kind.ordinal() + bytes.hashCode()) + Arrays.hashCode(partIds)) + min) + max;
    }

    private int composedBytes() {
        return switch (kind) {
            case NEVER, BOTH -> Symbol.ENDLESS;
            case EMPTY -> 0;
            case BYTES -> 1;
            case SEQUENCE -> (int) Math.min(Symbol.ENDLESS, (long) parts.get(0).shortestBytes + parts.get(1).shortestBytes);
            case CHOICE -> parts.stream().mapToInt(part -> part.shortestBytes).min().orElseThrow();
            case REPEAT -> (int) Math.min(Symbol.ENDLESS, (long) min * parts.getFirst().shortestBytes);
        };
    }

    /** A text that is the same for expressions of the same form, whoever made them; empty if it would be longer than {@code maxChars}. */
    Optional<String> signature(int maxChars) {
        StringBuilder text = new StringBuilder(kind.toString()).append('(').append(bytes).append(min).append(',').append(max);
        List<String> inner = new ArrayList<>();
        int chars = text.length();
        for (Expression rest = this; rest != null;) {
            boolean pair = rest.kind == Kind.SEQUENCE;
            for (Expression part : pair ? rest.parts.subList(0, 1) : rest == this ? parts : List.of(rest)) {
                Optional<String> signature = part.signature(maxChars - chars);
                if (signature.isEmpty()) {
                    return signature;
                }
                inner.add(signature.get());
                chars += signature.get().length() + 1;
            }
            rest = pair ? rest.parts.get(1) : null;
        }
        if (kind == Kind.CHOICE || kind == Kind.BOTH) {
            Collections.sort(inner); // the order of these parts is that in which they were made
        }
        return chars >= maxChars ? Optional.empty() : Optional.of(text.append(String.join(",", inner)).append(')').toString());
    }

    /** Equal if made of the very same parts, which are unique already. */
    @Override
    public boolean equals(Object other) {
        if (this == other) {
            return true;
        }
        if (!(other instanceof Expression that) || hash != that.hash || kind != that.kind || min != that.min || max != that.max
                || !bytes.equals(that.bytes) || parts.size() != that.parts.size()) {
            return false;
        }
        for (int i = 0; i < parts.size(); i++) {
            if (parts.get(i) != that.parts.get(i)) {
                return false;
            }
        }
        return true;
    }

    @Override
    public int hashCode() {
        return hash;
    }
}
