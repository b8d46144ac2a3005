package io.gemma4j.tensor;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Writes the blocks of 256 with a 6-bit scale and minimum for each group of 32: Q4_K and Q5_K. */
final class SixBitPairsQuantizer extends BlockByBlockQuantizer {
    private static final int GROUPS = 8;
    private static final int GROUP_ELEMENTS = 32;
    private static final int HIGHEST_PAIR = 63;
    private static final int TURNS = 3;

    private final int highest;

    SixBitPairsQuantizer(GgmlType type) {
        super(type);
        this.highest = switch (type) {
            case Q4_K -> 15;
            case Q5_K -> 31;
            default -> throw new IllegalArgumentException(type.toString());
        };
    }

    @Override
    void encodeBlock(float[] values, int at, MemorySegment bytes, long block) {
        Block best = firstBlock(values, at);
        for (int turn = 0; turn < TURNS; turn++) {
            Block next = best.refitted(values, at);
            if (next.error >= best.error) {
                break;
            }
            best = next;
        }
        write(best, best.quants(values, at), bytes, block);
    }

    /** Each group has the scale and the minimum that are best for it alone; the greatest of the block become 63. */
    private Block firstBlock(float[] values, int at) {
        OffsetFit fit = new OffsetFit(highest, false);
        float[] scales = new float[GROUPS];
        float[] mins = new float[GROUPS];
        for (int group = 0; group < GROUPS; group++) {
            fit.fit(values, at + GROUP_ELEMENTS * group, GROUP_ELEMENTS);
            scales[group] = fit.scale();
            mins[group] = -fit.offset();
        }
        Block block = new Block(unit(scales), unit(mins));
        for (int group = 0; group < GROUPS; group++) {
            block.scales[group] = units(scales[group], block.d);
            block.mins[group] = units(mins[group], block.dmin);
        }
        block.choosePairs(values, at);
        return block;
    }

    /** The binary16 number of which the greatest value is 63, or a little less. */
    private static float unit(float[] values) {
        return Binary16.outward(Binary16.magnitude(values, 0, values.length) / HIGHEST_PAIR);
    }

    private static int units(float value, float unit) {
        return Math.clamp(Math.round(value * Binary16.inverse(unit)), 0, HIGHEST_PAIR);
    }

    private void write(Block found, int[] quants, MemorySegment bytes, long block) {
        LittleEndian.putF16(bytes, block, found.d);
        LittleEndian.putF16(bytes, block + 2, found.dmin);
        SixBitPairs.put(found.scales, found.mins, bytes, block + 4);
        long nibbles = block + 16;
        if (type() == GgmlType.Q5_K) {
            for (int l = 0; l < GROUP_ELEMENTS; l++) {
                int fifth = 0;
                for (int group = 0; group < GROUPS; group++) {
                    fifth |= quants[GROUP_ELEMENTS * group + l] >>> 4 << group;
                }
                LittleEndian.putU8(bytes, nibbles + l, fifth);
            }
            nibbles += GROUP_ELEMENTS;
        }
        for (int pair = 0; pair < GROUPS / 2; pair++) {
            Nibbles.putPairs(quants, 64 * pair, 64 * pair + 32, bytes, nibbles + 32 * pair, GROUP_ELEMENTS);
        }
    }

    /** All of a block but the {@code q}, which follow from it. */
    private final class Block {
        final float d;
        final float dmin;
        final int[] scales = new int[GROUPS];
        final int[] mins = new int[GROUPS];
        double error;

        Block(float d, float dmin) {
            this.d = d;
            this.dmin = dmin;
        }

        private int quant(float x, int group) {
            return nearest(x, Binary16.inverse(d * scales[group]), dmin * mins[group]);
        }

        private int nearest(float x, float inverse, float min) {
            return Math.clamp((int) ((x + min) * inverse + 0.5f), 0, highest);
        }

        int[] quants(float[] values, int at) {
            int[] quants = new int[GROUPS * GROUP_ELEMENTS];
            for (int e = 0; e < quants.length; e++) {
                quants[e] = quant(values[at + e], e / GROUP_ELEMENTS);
            }
            return quants;
        }

        /** Takes for every group the best of the pairs around the one it has. */
        void choosePairs(float[] values, int at) {
            error = 0;
            for (int group = 0; group < GROUPS; group++) {
                int scale = scales[group];
                int min = mins[group];
                double least = Double.MAX_VALUE;
                for (int s = Math.max(0, scale - 1); s <= Math.min(HIGHEST_PAIR, scale + 1); s++) {
                    for (int m = Math.max(0, min - 1); m <= Math.min(HIGHEST_PAIR, min + 1); m++) {
                        double tried = groupError(values, at + GROUP_ELEMENTS * group, d * s, dmin * m);
                        if (tried < least) {
                            least = tried;
                            scales[group] = s;
                            mins[group] = m;
                        }
                    }
                }
                error += least;
            }
        }

        private double groupError(float[] values, int at, float scale, float min) {
            float inverse = Binary16.inverse(scale);
            double sum = 0;
            for (int i = at; i < at + GROUP_ELEMENTS; i++) {
                double difference = values[i] - (scale * nearest(values[i], inverse, min) - min);
                sum += difference * difference;
            }
            return sum;
        }

        /** The block with the {@code d} and {@code dmin} that are best for the pairs and {@code q} of this one, and pairs chosen anew. */
        Block refitted(float[] values, int at) {
            double uu = 0;
            double uv = 0;
            double vv = 0;
            double xu = 0;
            double xv = 0;
            for (int e = 0; e < GROUPS * GROUP_ELEMENTS; e++) {
                int group = e / GROUP_ELEMENTS;
                double x = values[at + e];
                double u = scales[group] * quant(values[at + e], group);
                double v = -mins[group];
                uu += u * u;
                uv += u * v;
                vv += v * v;
                xu += x * u;
                xv += x * v;
            }
            double determinant = uu * vv - uv * uv;
            double newD = determinant == 0 ? d : (xu * vv - xv * uv) / determinant;
            double newDmin = determinant == 0 ? dmin : (xv * uu - xu * uv) / determinant;
            Block next = new Block(Binary16.nearest((float) newD), Binary16.nearest((float) newDmin));
            System.arraycopy(scales, 0, next.scales, 0, GROUPS);
            System.arraycopy(mins, 0, next.mins, 0, GROUPS);
            next.choosePairs(values, at);
            return next;
        }
    }
}
