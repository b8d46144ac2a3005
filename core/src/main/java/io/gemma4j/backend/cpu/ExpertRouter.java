package io.gemma4j.backend.cpu;

/** Chooses the experts of one row. */
final class ExpertRouter {
    private ExpertRouter() {}

    /**
     * Softmax over all experts, the largest few, made to sum to 1, times each expert's scale. The softmax over all and the division by the chosen
     * ones' sum leave the softmax over the chosen ones.
     */
    static void route(float[] logits, int offset, float[] scale, CpuRouting routing, int row) {
        int perRow = routing.expertsPerRow();
        int firstSlot = row * perRow;
        double sum = 0;
        for (int j = 0; j < perRow; j++) {
            int best = -1;
            for (int expert = 0; expert < scale.length; expert++) {
                if (!chosen(routing, firstSlot, j, expert) && (best < 0 || logits[offset + expert] > logits[offset + best])) {
                    best = expert;
                }
            }
            routing.experts()[firstSlot + j] = best;
            float weight = (float) Math.exp(logits[offset + best] - logits[offset + routing.experts()[firstSlot]]);
            routing.weights()[firstSlot + j] = weight;
            sum += weight;
        }
        for (int j = firstSlot; j < firstSlot + perRow; j++) {
            routing.weights()[j] = (float) (routing.weights()[j] / sum * scale[routing.experts()[j]]);
        }
    }

    private static boolean chosen(CpuRouting routing, int firstSlot, int count, int expert) {
        for (int j = firstSlot; j < firstSlot + count; j++) {
            if (routing.experts()[j] == expert) {
                return true;
            }
        }
        return false;
    }
}
