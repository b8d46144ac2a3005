package io.gemma4j.tokenizer;

import java.util.Arrays;

/** A binary heap of possible merges, lowest rank first and leftmost among equals. Not thread-safe. */
final class MergeQueue {
    // Rank in the upper half and position in the lower: the order of the numbers is the order of the merges.
    private long[] heap = new long[64];
    private int size;

    boolean isEmpty() {
        return size == 0;
    }

    void add(int rank, int position) {
        if (size == heap.length) {
            heap = Arrays.copyOf(heap, 2 * size);
        }
        long merge = (long) rank << Integer.SIZE | position;
        int child = size++;
        while (child > 0 && heap[child - 1 >>> 1] > merge) {
            heap[child] = heap[child - 1 >>> 1];
            child = child - 1 >>> 1;
        }
        heap[child] = merge;
    }

    /** Removes the first merge: its rank is {@link #rank(long)}, its position {@link #position(long)}. */
    long remove() {
        long first = heap[0];
        long last = heap[--size];
        int parent = 0;
        int child = 1;
        while (child < size) {
            if (child + 1 < size && heap[child + 1] < heap[child]) {
                child++;
            }
            if (heap[child] >= last) {
                break;
            }
            heap[parent] = heap[child];
            parent = child;
            child = 2 * parent + 1;
        }
        heap[parent] = last;
        return first;
    }

    static int rank(long merge) {
        return (int) (merge >>> Integer.SIZE);
    }

    static int position(long merge) {
        return (int) merge;
    }
}
