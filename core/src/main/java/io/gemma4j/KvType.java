package io.gemma4j;

/**
 * How keys and values of the text so far are held. Layers that see a sliding window hold few positions, and always {@link #F16} where this says a
 * compressed type: what grows with the text is what is worth compressing.
 */
public enum KvType {
    /** 32-bit floats: exact, twice the memory of F16. */
    F32 {
        @Override
        public long headBytes(int headDim) {
            return 4L * headDim;
        }
    },
    /** 16-bit floats: the default. Keys and values are normalized, so their range fits. */
    F16 {
        @Override
        public long headBytes(int headDim) {
            return 2L * headDim;
        }
    },
    /** 8-bit integers, 32 of them to a scale: 53 % of the memory of F16. */
    Q8_0 {
        @Override
        public long headBytes(int headDim) {
            return headDim + scaleBytes(headDim);
        }
    },
    /**
     * 4-bit codes of keys and values turned by a random rotation, 32 of them to a scale, and the most recent positions also in 16 bits: 28 % of the
     * memory of F16, once the text is long.
     */
    TQ4 {
        @Override
        public long headBytes(int headDim) {
            return headDim / 2 + scaleBytes(headDim);
        }
    };

    /** Elements that share a scale in compressed types. */
    private static final int SCALE_ELEMENTS = 32;

    /**
     * Size of the keys, or of the values, of one head at one position.
     *
     * @param headDim elements of a head; a multiple of 32 where the type is compressed
     * @return bytes
     */
    public abstract long headBytes(int headDim);

    /**
     * Whether elements share scales.
     *
     * @return true for Q8_0 and TQ4
     */
    public boolean compressed() {
        return this == Q8_0 || this == TQ4;
    }

    /**
     * The type of layers that see no more than a window.
     *
     * @return this, or F16 where this is compressed
     */
    public KvType ofSlidingLayers() {
        return compressed() ? F16 : this;
    }

    private static long scaleBytes(int headDim) {
        return 2L * (headDim / SCALE_ELEMENTS);
    }
}
