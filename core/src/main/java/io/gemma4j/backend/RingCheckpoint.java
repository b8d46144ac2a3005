package io.gemma4j.backend;

import java.util.List;

/** A place in a text, and what layers with a sliding window see from there; the latter once their rings are about to lose it. */
final class RingCheckpoint implements AutoCloseable {
    private final int tokens;
    private int firstPosition;
    private RingCopy copy; // null until there is one

    /**
     * Notes the place.
     *
     * @param tokens before it
     * @param firstPosition that should be kept
     */
    RingCheckpoint(int tokens, int firstPosition) {
        this.tokens = tokens;
        this.firstPosition = firstPosition;
    }

    int tokens() {
        return tokens;
    }

    /** The first position that is kept. */
    int firstPosition() {
        return firstPosition;
    }

    boolean isCopied() {
        return copy != null;
    }

    long copiedBytes() {
        return copy == null ? 0 : copy.bytes();
    }

    /** How many positions a copy has room for. */
    int positions(int heldFrom) {
        return tokens - Math.max(firstPosition, heldFrom);
    }

    /**
     * Copies what the rings hold of it.
     *
     * @param heldFrom the first position that they hold, before the place
     * @param memory with room for as many {@linkplain #positions positions}; closed with this, or if this fails
     */
    void copy(List<KvStore> rings, int heldFrom, RingCopy memory) {
        firstPosition = Math.max(firstPosition, heldFrom);
        try {
            memory.read(rings, firstPosition);
        } catch (RuntimeException | Error e) {
            memory.close();
            throw e;
        }
        copy = memory;
    }

    /** Gives up the copy, which the caller closes. */
    RingCopy release() {
        RingCopy released = copy;
        copy = null;
        return released;
    }

    /** Writes what was copied to rings of the same layers. */
    void restore(List<KvStore> rings) {
        copy.write(rings, firstPosition);
    }

    @Override
    public void close() {
        if (copy != null) {
            release().close();
        }
    }
}
