package io.gemma4j.cuda;

import io.gemma4j.backend.KvStore;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Whole keys to whoever copies them, where the cache has {@link DerivedKeys}.
 *
 * @param stored what is stored of the keys
 * @param values of the same layer
 */
record DerivedKeyStore(CudaKvStore stored, CudaKvStore values, DerivedKeys derived) implements KvStore {
    private static final int HALF = DerivedKeys.HEAD_DIM / 2 * Short.BYTES;
    private static final int STORED_HALF = DerivedKeys.PAIRS * Short.BYTES;

    @Override
    public int kvHeads() {
        return values.kvHeads();
    }

    @Override
    public int slots() {
        return values.slots();
    }

    @Override
    public int headBytes() {
        return values.headBytes();
    }

    @Override
    public void read(int slot, int count, MemorySegment to, long headStride) {
        float[] norm = derived.normValues();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment keys = arena.allocate(stored.bytes(count));
            stored.read(slot, count, keys, (long) count * stored.headBytes());
            values.read(slot, count, to, headStride);
            for (long head = 0; head < kvHeads(); head++) {
                for (int i = 0; i < count; i++) {
                    MemorySegment key = to.asSlice(head * headStride + (long) i * headBytes(), headBytes());
                    for (int element = 0; element < DerivedKeys.HEAD_DIM; element++) {
                        float value = Float.float16ToFloat(key.getAtIndex(ValueLayout.JAVA_SHORT, element));
                        key.setAtIndex(ValueLayout.JAVA_SHORT, element, Float.floatToFloat16(value * norm[element]));
                    }
                    long at = (head * count + i) * stored.headBytes();
                    MemorySegment.copy(keys, at, key, 0, STORED_HALF);
                    MemorySegment.copy(keys, at + STORED_HALF, key, HALF, STORED_HALF);
                }
            }
        }
    }

    /** Takes of the keys what is stored; the rest follows from the values, which have to be written as well. */
    @Override
    public void write(int slot, int count, MemorySegment from, long headStride) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment keys = arena.allocate(stored.bytes(count));
            for (long head = 0; head < kvHeads(); head++) {
                for (int i = 0; i < count; i++) {
                    long at = head * headStride + (long) i * headBytes();
                    long to = (head * count + i) * stored.headBytes();
                    MemorySegment.copy(from, at, keys, to, STORED_HALF);
                    MemorySegment.copy(from, at + HALF, keys, to + STORED_HALF, STORED_HALF);
                }
            }
            stored.write(slot, count, keys, (long) count * stored.headBytes());
        }
    }

    @Override
    public void copy(KvStore from, int fromSlot, int slot, int count) {
        stored.copy(((DerivedKeyStore) from).stored, fromSlot, slot, count);
    }
}
