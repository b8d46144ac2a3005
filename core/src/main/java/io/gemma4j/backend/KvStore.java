package io.gemma4j.backend;

import java.lang.foreign.MemorySegment;

/**
 * One array of a layer's cache, e.g. its keys: {@code [kvHeads][slots][headBytes]} to whoever reads it, however the backend keeps it. Position
 * {@code p} is in slot {@code p % slots}. Used between steps, by one thread at a time.
 */
public interface KvStore {

    /** Key/value heads. */
    int kvHeads();

    /** Positions it has room for. */
    int slots();

    /** Bytes of one head of one position. */
    int headBytes();

    /**
     * Copies slots that lie together to memory of the computer, and waits for it.
     *
     * @param slot the first
     * @param count how many, none of them beyond the last slot
     * @param to native; takes {@code count * headBytes} for each head
     * @param headStride bytes from a head to the next in {@code to}
     */
    void read(int slot, int count, MemorySegment to, long headStride);

    /**
     * Copies memory of the computer to slots that lie together, and waits for it; the opposite of {@link #read}.
     *
     * @throws io.gemma4j.Gemma4Exception if there is no memory for them
     */
    void write(int slot, int count, MemorySegment from, long headStride);

    /**
     * Copies slots that lie together from another store.
     *
     * @param from of the same backend and layout, but for its number of slots
     * @param fromSlot the first there
     * @param slot the first here
     * @throws io.gemma4j.Gemma4Exception if there is no memory for them
     */
    void copy(KvStore from, int fromSlot, int slot, int count);

    /** Bytes of {@code count} positions. */
    default long bytes(int count) {
        return (long) count * kvHeads() * headBytes();
    }

    /**
     * Reads positions, also across the end of a ring.
     *
     * @param to {@code [kvHeads][count][headBytes]}, native
     */
    default void readPositions(int position, int count, MemorySegment to) {
        for (int done = 0, run; done < count; done += run) {
            run = run(position + done, count - done);
            read((position + done) % slots(), run, to.asSlice((long) done * headBytes()), (long) count * headBytes());
        }
    }

    /** Writes positions, also across the end of a ring; the opposite of {@link #readPositions}. */
    default void writePositions(int position, int count, MemorySegment from) {
        for (int done = 0, run; done < count; done += run) {
            run = run(position + done, count - done);
            write((position + done) % slots(), run, from.asSlice((long) done * headBytes()), (long) count * headBytes());
        }
    }

    /** Copies positions from another store of the same backend, also across the end of a ring. */
    default void copyPositions(KvStore from, int position, int count) {
        for (int done = 0, run; done < count; done += run) {
            int at = position + done;
            run = Math.min(run(at, count - done), from.run(at, count - done));
            copy(from, at % from.slots(), at % slots(), run);
        }
    }

    private int run(int position, int count) {
        return Math.min(count, slots() - position % slots());
    }
}
