package io.gemma4j.backend;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntUnaryOperator;

/**
 * Keys and values of one sequence: one {@link KvLayer} for each layer that owns keys and values, and how many positions are valid. Belongs
 * to one caller at a time. Copying and going back touch the backend's memory, so no step of any sequence may be running meanwhile.
 */
public final class KvCache implements AutoCloseable {
    /** What a layer with keys and values sees where it sees everything. */
    public static final int NO_WINDOW = Integer.MAX_VALUE;

    // Of a layer's stores, keys and values come first.
    private static final int TAIL_STORES = 2;

    /**
     * An array of the cache with the positions that it holds.
     *
     * @param store the array
     * @param firstPosition the first that is held
     */
    public record Part(KvStore store, int firstPosition) {}

    private final KvLayer[] byLayer;
    private final int[] windows;
    private final int window;
    private final int contextTokens;
    private final int ringSlots;
    private final int tailSlots; // 0 where no layer has a tail
    private final RingCheckpoints checkpoints;
    private int tokens;
    // Positions that a step has ever written since the cache was empty, valid or not: each has taken the place of another in a ring.
    private int writtenPositions;
    // Positions before this one were never written to layers with a window.
    private int start;
    // Positions before this one are not in rings, since going back to a checkpoint.
    private int ringStart;
    // Of the tails: the first position that none of them has lost by forgetting, and the end of what was written to them since.
    private int tailFrom;
    private int tailEnd;

    /**
     * Wraps the caches of layers that see everything.
     *
     * @param layers the caches of the layers that own one
     * @param modelLayers number of layers of the model
     * @param contextTokens positions the sequence may have
     */
    public KvCache(List<KvLayer> layers, int modelLayers, int contextTokens) {
        this(layers, modelLayers, contextTokens, layer -> NO_WINDOW, 0);
    }

    /**
     * Wraps the layers' caches.
     *
     * @param layers the caches of the layers that own one
     * @param modelLayers number of layers of the model
     * @param contextTokens positions the sequence may have
     * @param windows by layer, how many positions it sees, the newest included, or {@link #NO_WINDOW}
     * @param checkpointBytes memory for what is needed to go back to checkpoints
     */
    public KvCache(List<KvLayer> layers, int modelLayers, int contextTokens, IntUnaryOperator windows, long checkpointBytes) {
        this.byLayer = new KvLayer[modelLayers];
        this.windows = new int[modelLayers];
        this.contextTokens = contextTokens;
        int widest = 0;
        int fewestSlots = contextTokens;
        int fewestTailSlots = 0;
        List<KvStore> rings = new ArrayList<>();
        for (KvLayer layer : layers) {
            int index = layer.layout().layer();
            byLayer[index] = layer;
            this.windows[index] = windows.applyAsInt(index);
            if (layer.layout().tailSlots() > 0) {
                fewestTailSlots = fewestTailSlots == 0 ? layer.layout().tailSlots() : Math.min(fewestTailSlots, layer.layout().tailSlots());
            }
            if (this.windows[index] != NO_WINDOW) {
                widest = Math.max(widest, this.windows[index]);
                if (layer.layout().slots() < contextTokens) {
                    fewestSlots = Math.min(fewestSlots, layer.layout().slots());
                    rings.addAll(layer.stores());
                }
            }
        }
        this.window = widest;
        this.ringSlots = fewestSlots;
        this.tailSlots = fewestTailSlots;
        this.checkpoints = new RingCheckpoints(rings, widest, checkpointBytes);
    }

    /** The cache that layer {@code owner} writes. */
    public KvLayer layer(int owner) {
        return byLayer[owner];
    }

    /** Positions the sequence may have. */
    public int contextTokens() {
        return contextTokens;
    }

    /** Valid positions. */
    public int tokens() {
        return tokens;
    }

    /** Memory that it takes now, checkpoints included. */
    public long bytes() {
        long bytes = checkpoints.copiedBytes();
        for (KvLayer layer : byLayer) {
            bytes += layer == null ? 0 : layer.bytes();
        }
        return bytes;
    }

    /**
     * From where on a query reads keys and values from the tails of the layers that have one ({@link KvLayerLayout#tailSlots}), up to its own position;
     * what is older it reads from the first store. May be asked for the first of a few consecutive queries, for all of them.
     *
     * @param position of the query, not before those of the step that is running
     * @return a multiple of {@link KvLayerLayout#TAIL_TILE}; beyond {@code position} where the tails hold too little
     */
    public int tailFrom(int position) {
        int from = Math.max(tailFrom, position - KvLayerLayout.TAIL_REACH);
        return Math.ceilDiv(from, KvLayerLayout.TAIL_TILE) * KvLayerLayout.TAIL_TILE;
    }

    /** The first position that no tail has lost by forgetting; changes only when positions are forgotten. */
    public int tailFrom() {
        return tailFrom;
    }

    // The first position that every tail holds.
    private int tailHeldFrom() {
        return Math.max(tailFrom, tailEnd - tailSlots); // where there are no tails, nothing is held
    }

    private void forgetTails(int count) {
        tailFrom = Math.min(tailHeldFrom(), count);
        tailEnd = count;
    }

    /** Says that a step is about to write {@code count} more positions, which may fail. */
    public void begin(int count) {
        int writing = Math.max(writtenPositions, tokens + count);
        if (writing > writtenPositions) {
            checkpoints.beforeWriting(tokens, ringFrom(), Math.max(ringStart, writing - ringSlots));
            writtenPositions = writing;
        }
        tailEnd = Math.max(tailEnd, tokens + count);
    }

    /** Declares {@code count} more positions valid, once a step that wrote them has finished. */
    public void append(int count) {
        if (count < 0 || tokens + count > contextTokens) {
            throw new IllegalArgumentException(tokens + " + " + count + " positions in a cache of " + contextTokens);
        }
        tokens += count;
        writtenPositions = Math.max(writtenPositions, tokens);
        tailEnd = Math.max(tailEnd, tokens);
    }

    /** Notes that the sequence may be taken back to {@code count} tokens, which it need not have yet. */
    public void checkpoint(int count) {
        checkpoints.add(count);
    }

    // The first position that every layer with a window holds.
    private int ringFrom() {
        return Math.max(ringStart, writtenPositions - ringSlots);
    }

    /**
     * Forgets the last positions, unless a layer with a window has lost what the next position will want to see.
     *
     * @param count valid positions to keep
     * @return whether it was possible; otherwise nothing has changed
     * @throws IllegalArgumentException if there are not so many positions
     */
    public boolean truncate(int count) {
        if (count < 0 || count > tokens) {
            throw new IllegalArgumentException(count + " positions to be kept of " + tokens);
        }
        if (!sees(count)) {
            return false;
        }
        forgetTails(count);
        tokens = count;
        checkpoints.truncate(tokens, ringFrom());
        return true;
    }

    // Whether everything is held that the position after {@code count} others sees.
    private boolean sees(int count) {
        return ringFrom() <= firstSeen(count);
    }

    /**
     * Forgets the last positions, and as many before them as it takes to come to a checkpoint; all of them if that fails.
     *
     * @param count valid positions to keep at most
     * @return how many are kept
     * @throws IllegalArgumentException if there are not so many positions
     */
    public int rewind(int count) {
        if (truncate(count)) {
            return count;
        }
        RingCheckpoint checkpoint = checkpoints.latest(count);
        if (checkpoint == null) {
            clear();
        } else {
            resume(checkpoint, count);
            checkpoints.truncate(tokens, ringFrom());
        }
        return tokens;
    }

    /** How many positions {@link #rewind} and {@link #copy} would keep. */
    public int reachable(int count) {
        if (sees(count)) {
            return count;
        }
        RingCheckpoint checkpoint = checkpoints.latest(count);
        return checkpoint == null ? 0 : Math.min(count, checkpoint.tokens());
    }

    private void resume(RingCheckpoint checkpoint, int count) {
        try {
            checkpoint.restore(checkpoints.rings());
        } catch (RuntimeException | Error e) {
            clear(); // some rings may hold one place of the text, some another
            throw e;
        }
        tokens = Math.min(count, checkpoint.tokens());
        forgetTails(tokens);
        writtenPositions = checkpoint.tokens();
        ringStart = checkpoint.firstPosition();
    }

    /**
     * Declares the first positions valid, once they were written to {@link #parts}.
     *
     * @param count how many
     * @param firstOfWindows the first that layers with a window hold
     * @param firstOfTails the first that tails hold
     * @throws IllegalArgumentException if the next position would not see what it has to
     */
    public void resume(int count, int firstOfWindows, int firstOfTails) {
        if (firstOfTails < firstOfTails(count) || firstOfTails > count || count < 0 || count > contextTokens || firstOfWindows < 0 || firstOfWindows > firstSeen(count)) {
            throw new IllegalArgumentException("positions " + firstOfWindows + " to " + count + " in a cache of " + contextTokens + " with a window of "
                    + window);
        }
        tokens = count;
        writtenPositions = count;
        start = firstOfWindows;
        ringStart = firstOfWindows;
        tailFrom = firstOfTails;
        tailEnd = count;
    }

    /**
     * Copies the first positions of another sequence into this one, which is empty.
     *
     * @param from of the same model and context
     * @param count positions to copy at most; fewer where {@code from} could not be taken back to that many
     * @return how many were copied
     */
    public int copy(KvCache from, int count) {
        int kept = from.reachable(count);
        RingCheckpoint checkpoint = from.sees(count) ? null : from.checkpoints.latest(count);
        if (kept == 0) {
            return 0;
        }
        for (int i = 0; i < byLayer.length; i++) {
            if (byLayer[i] == null || checkpoint != null && isRing(i)) {
                continue;
            }
            List<KvStore> sources = from.byLayer[i].stores();
            for (int store = 0; store < sources.size(); store++) {
                int first = Math.min(kept, store >= TAIL_STORES ? from.tailHeldFrom() : from.firstHeld(i));
                byLayer[i].stores().get(store).copyPositions(sources.get(store), first, kept - first);
            }
        }
        start = from.start;
        tailFrom = from.tailFrom;
        tailEnd = from.tailEnd;
        forgetTails(kept);
        if (checkpoint == null) {
            tokens = kept;
            writtenPositions = from.writtenPositions;
            ringStart = from.ringStart;
        } else {
            resume(checkpoint, count);
        }
        return kept;
    }

    private boolean isRing(int layer) {
        return windows[layer] != NO_WINDOW && byLayer[layer].layout().slots() < contextTokens;
    }

    private int firstHeld(int layer) {
        return windows[layer] == NO_WINDOW ? 0 : isRing(layer) ? ringFrom() : start;
    }

    /**
     * What is needed of the cache to go on after its last position.
     *
     * @param count positions that are valid, or are going to be
     * @param firstOfWindows the first that layers with a window have to hold
     * @param firstOfTails the first that tails have to hold
     * @return every array, always in the same order
     */
    public List<Part> parts(int count, int firstOfWindows, int firstOfTails) {
        List<Part> parts = new ArrayList<>();
        for (int i = 0; i < byLayer.length; i++) {
            List<KvStore> stores = byLayer[i] == null ? List.of() : byLayer[i].stores();
            for (int store = 0; store < stores.size(); store++) {
                int first = store >= TAIL_STORES ? firstOfTails : windows[i] == NO_WINDOW ? 0 : firstOfWindows;
                parts.add(new Part(stores.get(store), first));
            }
        }
        return parts;
    }

    /** The first position that {@link #parts} of this cache need of tails: of what they hold, what later positions read. */
    public int firstOfTails() {
        return Math.min(tokens, Math.max(tailHeldFrom(), firstOfTails(tokens)));
    }

    /** The first position that one after {@code count} others could read from a tail. */
    public static int firstOfTails(int count) {
        return Math.max(0, count - KvLayerLayout.TAIL_REACH);
    }

    /** The first position that {@link #parts} of this cache need of layers with a window; one earlier than is seen, if that is held. */
    public int firstOfWindows() {
        return window == 0 ? 0 : Math.max(ringFrom(), tokens - window);
    }

    /** The first position that the one after {@code count} others sees in layers with a window. */
    public int firstSeen(int count) {
        return window == 0 ? 0 : Math.max(0, count + 1 - window);
    }

    /** Forgets everything; the memory is kept, but for that of checkpoints. */
    public void clear() {
        tokens = 0;
        writtenPositions = 0;
        start = 0;
        ringStart = 0;
        tailFrom = 0;
        tailEnd = 0;
        checkpoints.close();
    }

    @Override
    public void close() {
        checkpoints.close();
        for (KvLayer layer : byLayer) {
            if (layer != null) {
                layer.close();
            }
        }
    }
}
