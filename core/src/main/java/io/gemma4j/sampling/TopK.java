package io.gemma4j.sampling;

import java.util.Arrays;

/**
 * Makes candidates of the k highest logits (Fan et al. 2018, section 5.4); of equal ones at the boundary those with the lowest ids. Tokens at
 * negative infinity never become candidates. If there are logits of positive infinity only they do, as equals: the limit of the softmax.
 *
 * <p>One pass finds the k-th highest logit with a bounded min-heap, a second one collects. Not thread-safe.
 */
final class TopK {
    private final int k;
    private final float[] heap; // empty if no token can fall out

    /** For {@code k} of {@code vocabularySize} tokens. */
    TopK(int k, int vocabularySize) {
        this.k = k;
        heap = new float[k < vocabularySize ? k : 0];
    }

    /** Fills {@code candidates}, which has room for k, from {@code logits}, one per token id, of which {@code max} is the highest. */
    void select(float[] logits, float max, Candidates candidates) {
        candidates.clear();
        float threshold = Float.NEGATIVE_INFINITY;
        int room = 0; // for tokens at the threshold itself
        if (max == Float.POSITIVE_INFINITY) {
            threshold = max;
            room = k;
        } else if (heap.length > 0) {
            threshold = kthHighest(logits);
            room = threshold == Float.NEGATIVE_INFINITY ? 0 : heapEntriesAtThreshold();
        }
        for (int token = 0; token < logits.length; token++) {
            float logit = logits[token];
            if (logit >= threshold) { // rarely, so the inner question costs nothing
                if (logit > threshold) {
                    candidates.add(token, logit);
                } else if (room > 0) {
                    candidates.add(token, Float.isInfinite(logit) ? 0 : logit);
                    room--;
                }
            }
        }
    }

    private float kthHighest(float[] logits) {
        Arrays.fill(heap, Float.NEGATIVE_INFINITY);
        float lowest = Float.NEGATIVE_INFINITY;
        for (float logit : logits) {
            if (logit > lowest) {
                replaceLowest(logit);
                lowest = heap[0];
            }
        }
        return lowest;
    }

    private int heapEntriesAtThreshold() {
        int entries = 0;
        for (float logit : heap) {
            entries += logit == heap[0] ? 1 : 0;
        }
        return entries;
    }

    private void replaceLowest(float logit) {
        int place = 0;
        int child = 1;
        while (child < heap.length) {
            if (child + 1 < heap.length && heap[child + 1] < heap[child]) {
                child++;
            }
            if (heap[child] >= logit) {
                break;
            }
            heap[place] = heap[child];
            place = child;
            child = 2 * place + 1;
        }
        heap[place] = logit;
    }
}
