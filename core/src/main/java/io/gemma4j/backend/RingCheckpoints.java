package io.gemma4j.backend;

import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The places of a text that its rings can be taken back to. A place costs nothing until a step is about to overwrite what is seen from there. Of
 * places that follow each other closely only some are kept, so that each position is copied about twice at most. The oldest make room for newer
 * ones.
 */
final class RingCheckpoints implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RingCheckpoints.class);

    private final List<KvStore> rings;
    private final int window;
    private final long maxBytes;
    // In the order of their places.
    private final List<RingCheckpoint> checkpoints = new ArrayList<>();

    /**
     * Has none yet.
     *
     * @param rings what can lose positions
     * @param window positions that are seen, the newest included
     * @param maxBytes that copies may take
     */
    RingCheckpoints(List<KvStore> rings, int window, long maxBytes) {
        this.rings = rings;
        this.window = window;
        this.maxBytes = maxBytes;
    }

    /**
     * Notes a place. One position more than its window is kept, so that also the last token before it can be read again.
     *
     * @param tokens before it, some of which may still be to come
     */
    void add(int tokens) {
        int at = checkpoints.size();
        while (at > 0 && checkpoints.get(at - 1).tokens() > tokens) {
            at--;
        }
        if (maxBytes <= 0 || rings.isEmpty() || tokens == 0 || at > 0 && checkpoints.get(at - 1).tokens() == tokens) {
            return;
        }
        checkpoints.add(at, new RingCheckpoint(tokens, Math.max(0, tokens - window)));
        int beforeLast = at < 2 ? 0 : checkpoints.get(at - 2).tokens();
        if (at > 0 && !checkpoints.get(at - 1).isCopied() && tokens - beforeLast < window) {
            checkpoints.remove(at - 1); // what is before it is near enough
        }
    }

    /**
     * Copies what a step is about to overwrite.
     *
     * @param tokens positions that are valid
     * @param heldFrom the first position that all rings hold now
     * @param keptFrom the first position that they will hold
     */
    void beforeWriting(int tokens, int heldFrom, int keptFrom) {
        for (RingCheckpoint next : checkpoints) {
            if (!next.isCopied() && next.tokens() <= tokens && next.firstPosition() < keptFrom) {
                copy(next, heldFrom);
            }
        }
        checkpoints.removeIf(next -> !next.isCopied() && next.tokens() <= tokens && next.firstPosition() < keptFrom);
    }

    // Where that is not possible, the checkpoint is not copied.
    private void copy(RingCheckpoint checkpoint, int heldFrom) {
        int positions = checkpoint.positions(heldFrom);
        long bytes = rings.stream().mapToLong(ring -> ring.bytes(positions)).sum();
        if (isLost(checkpoint, heldFrom) || bytes > maxBytes) {
            return;
        }
        try {
            checkpoint.copy(rings, heldFrom, memory(bytes, positions));
        } catch (OutOfMemoryError e) {
            LOG.warn("There is no memory to note what is seen from token {}: to go back there, the text will be read again ({})", checkpoint.tokens(),
                    e.getMessage());
        }
    }

    // That of the oldest copies where there is no room for another: new memory costs more than what is written to it.
    private RingCopy memory(long bytes, int positions) {
        RingCopy memory = null;
        for (RingCheckpoint oldest : checkpoints) {
            if (oldest.isCopied() && copiedBytes() + bytes > maxBytes) {
                if (memory != null) {
                    memory.close();
                }
                memory = oldest.release();
            }
        }
        if (memory != null && memory.positions() != positions) {
            memory.close();
            memory = null;
        }
        return memory == null ? RingCopy.allocate(rings, positions) : memory;
    }

    private boolean isLost(RingCheckpoint checkpoint, int heldFrom) {
        return heldFrom > Math.max(0, checkpoint.tokens() + 1 - window);
    }

    /** The latest copied place from which the text can be taken back to {@code tokens} tokens, or to the place if that is before; or null. */
    RingCheckpoint latest(int tokens) {
        return checkpoints.reversed().stream().filter(next -> next.isCopied() && serves(next, tokens)).findFirst().orElse(null);
    }

    private boolean serves(RingCheckpoint checkpoint, int tokens) {
        return checkpoint.tokens() <= tokens || checkpoint.firstPosition() <= Math.max(0, tokens + 1 - window);
    }

    /**
     * Forgets places that the text no longer has, and those that can no longer be copied.
     *
     * @param tokens of the text
     * @param heldFrom the first position that all rings hold
     */
    void truncate(int tokens, int heldFrom) {
        checkpoints.removeIf(next -> {
            boolean gone = next.tokens() > tokens || !next.isCopied() && isLost(next, heldFrom);
            if (gone) {
                next.close();
            }
            return gone;
        });
    }

    /** What can lose positions. */
    List<KvStore> rings() {
        return rings;
    }

    /** Memory that copies take. */
    long copiedBytes() {
        return checkpoints.stream().mapToLong(RingCheckpoint::copiedBytes).sum();
    }

    @Override
    public void close() {
        truncate(-1, 0);
    }
}
