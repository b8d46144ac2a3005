package io.gemma4j.tensor;

import io.gemma4j.gguf.GgmlType;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The storage types that can be written. Immutable and thread-safe. */
public final class BlockQuantizers {
    private static final Map<GgmlType, BlockQuantizer> BY_TYPE = new EnumMap<>(GgmlType.class);

    static {
        List<BlockQuantizer> all = List.of(new F32Quantizer(), new F16Quantizer(), new BF16Quantizer(), new ScaledBlockQuantizer(GgmlType.Q4_0),
                new ScaledBlockQuantizer(GgmlType.Q5_0), new ScaledBlockQuantizer(GgmlType.Q8_0), new OffsetBlockQuantizer(GgmlType.Q4_1),
                new OffsetBlockQuantizer(GgmlType.Q5_1), new SixBitPairsQuantizer(GgmlType.Q4_K), new SixBitPairsQuantizer(GgmlType.Q5_K),
                new Q6_KQuantizer());
        for (BlockQuantizer quantizer : all) {
            BY_TYPE.put(quantizer.type(), quantizer);
        }
    }

    private BlockQuantizers() {}

    /** The quantizer of {@code type}, empty where there is none. */
    public static Optional<BlockQuantizer> of(GgmlType type) {
        return Optional.ofNullable(BY_TYPE.get(type));
    }
}
