package io.gemma4j.tensor;

import io.gemma4j.ModelFormatException;
import io.gemma4j.gguf.GgmlType;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The storage types that can be computed with. Immutable and thread-safe. */
public final class BlockFormats {
    private static final Map<GgmlType, BlockFormat> BY_TYPE = new EnumMap<>(GgmlType.class);

    static {
        List<BlockFormat> all = List.of(new F32(), new F16(), new BF16(), new Q4_0(), new Q4_1(), new Q5_0(), new Q5_1(), new Q8_0(), new Q2_K(),
                new Q3_K(), new Q4_K(), new Q5_K(), new Q6_K(), new IQ4_NL(), new IQ4_XS(), new MXFP4());
        for (BlockFormat format : all) {
            BY_TYPE.put(format.type(), format);
        }
    }

    private BlockFormats() {}

    /** The format of {@code type}, empty where there is none. */
    public static Optional<BlockFormat> of(GgmlType type) {
        return Optional.ofNullable(BY_TYPE.get(type));
    }

    /** Whether tensors of {@code type} can be computed with. */
    public static boolean supports(GgmlType type) {
        return BY_TYPE.containsKey(type);
    }

    /**
     * The format of a tensor that cannot be done without.
     *
     * @param type storage type of the tensor
     * @param source the file the tensor stands in
     * @param tensorName its name there
     * @return the format
     * @throws ModelFormatException if the type is not supported; names the tensor, its type and the supported types
     */
    public static BlockFormat require(GgmlType type, String source, String tensorName) {
        return of(type).orElseThrow(() -> new ModelFormatException(
                source, "tensor '" + tensorName + "'", "one of the types " + BY_TYPE.keySet(), "type " + type));
    }
}
