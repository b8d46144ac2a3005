package io.gemma4j.metal;

import io.gemma4j.KvType;
import io.gemma4j.backend.HeadQ8_0;
import io.gemma4j.backend.HeadRotation;
import io.gemma4j.backend.HeadTQ4;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** Compressed caches for tests of kernels, and what their bytes are and stand for. */
final class CompressedKv {
    private CompressedKv() {}

    /** An empty cache; {@code tailSlots} is of no consequence where the type has no tail. */
    static MetalKvSlots empty(KernelBench bench, KvType type, int kvHeads, int headDim, int slots, int tailSlots) {
        long bytes = MetalKvSlots.bytes(slots, kvHeads, headDim, type);
        MetalKvSlots.Tail tail = null;
        if (type == KvType.TQ4) {
            long tailBytes = MetalKvSlots.bytes(tailSlots, kvHeads, headDim, KvType.F16);
            tail = new MetalKvSlots.Tail(bench.buffer(tailBytes).slice(), bench.buffer(tailBytes).slice(), tailSlots);
        }
        return new MetalKvSlots(bench.buffer(bytes).slice(), bench.buffer(bytes).slice(), type, kvHeads, headDim, slots, tail);
    }

    /** Heads as the type computes with them: rotated where it rotates. */
    static float[] turned(float[] heads, int headDim, KvType type) {
        float[] turned = heads.clone();
        for (int at = 0; at < heads.length && type == KvType.TQ4; at += headDim) {
            HeadRotation.rotate(turned, at, headDim);
        }
        return turned;
    }

    /** Bytes of heads that are turned, one after the other. */
    static byte[] codes(float[] turned, int headDim, KvType type) {
        long headBytes = type.headBytes(headDim);
        byte[] bytes = new byte[Math.toIntExact(turned.length / headDim * headBytes)];
        for (int head = 0; head < turned.length / headDim; head++) {
            if (type == KvType.Q8_0) {
                HeadQ8_0.store(turned, head * headDim, headDim, MemorySegment.ofArray(bytes), head * headBytes);
            } else {
                HeadTQ4.store(turned, head * headDim, headDim, MemorySegment.ofArray(bytes), head * headBytes);
            }
        }
        return bytes;
    }

    /** What bytes of heads stand for, still turned. */
    static float[] values(byte[] codes, int headDim, KvType type) {
        long headBytes = type.headBytes(headDim);
        float[] values = new float[Math.toIntExact(codes.length / headBytes * headDim)];
        for (int head = 0; head < values.length / headDim; head++) {
            if (type == KvType.Q8_0) {
                HeadQ8_0.load(MemorySegment.ofArray(codes), head * headBytes, values, head * headDim, headDim);
            } else {
                HeadTQ4.load(MemorySegment.ofArray(codes), head * headBytes, values, head * headDim, headDim);
            }
        }
        return values;
    }

    /** Rounded to halves, as a tail has them. */
    static float[] halves(float[] turned) {
        float[] rounded = turned.clone();
        for (int i = 0; i < rounded.length; i++) {
            rounded[i] = Float.float16ToFloat(Float.floatToFloat16(turned[i]));
        }
        return rounded;
    }

    /** The bytes of slot {@code slot} of keys or values. */
    static byte[] slot(BufferSlice keysOrValues, int slot, long slotBytes) {
        return keysOrValues.contents().asSlice(slot * slotBytes, slotBytes).toArray(ValueLayout.JAVA_BYTE);
    }

    /** The halves of a slot of a tail. */
    static float[] tailSlot(BufferSlice keysOrValues, int slot, int width) {
        float[] values = new float[width];
        for (int i = 0; i < width; i++) {
            values[i] = Float.float16ToFloat(keysOrValues.contents().getAtIndex(ValueLayout.JAVA_SHORT, (long) slot * width + i));
        }
        return values;
    }

    /** Puts a position where it belongs, as a correct {@code kvUpdate} does. */
    static void store(MetalKvSlots cache, float[] turnedKeys, float[] turnedValues, int position) {
        put(cache.keys(), codes(turnedKeys, cache.headDim(), cache.type()), position % cache.slots());
        put(cache.values(), codes(turnedValues, cache.headDim(), cache.type()), position % cache.slots());
        if (cache.tail() != null) {
            putHalves(cache.tail().keys(), turnedKeys, position % cache.tail().slots());
            putHalves(cache.tail().values(), turnedValues, position % cache.tail().slots());
        }
    }

    private static void put(BufferSlice to, byte[] bytes, int slot) {
        MemorySegment.copy(MemorySegment.ofArray(bytes), 0, to.contents(), (long) slot * bytes.length, bytes.length);
    }

    private static void putHalves(BufferSlice to, float[] values, int slot) {
        for (int i = 0; i < values.length; i++) {
            to.contents().setAtIndex(ValueLayout.JAVA_SHORT, (long) slot * values.length + i, Float.floatToFloat16(values[i]));
        }
    }

    /** Spoils a slot of a tail, as one that has been given to another position. */
    static void spoil(MetalKvSlots.Tail tail, int slot, int width) {
        float[] other = new float[width];
        Arrays.fill(other, 77);
        putHalves(tail.keys(), other, slot);
        putHalves(tail.values(), other, slot);
    }
}
