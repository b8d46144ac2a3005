package io.gemma4j.tensor;

import static io.gemma4j.gguf.GgmlType.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Blocks set byte by byte, with values worked out on paper. Binary16: 2 is 4000, 1 is 3C00, 0.5 is 3800, all stored low byte first. */
class BlockByHandTest {

    /** Storage type; bytes as offset:hex, all others zero; an element; its value. */
    static Stream<Arguments> values() {
        String k = "0:0040003C 4:C3 8:45 12:21 ";
        return Stream.of(
                arguments(F32, "0:0000C0BF", 0, -1.5f),
                arguments(F16, "0:003E", 0, 1.5f),
                arguments(F16, "0:0180", 0, -0x1p-24f),
                arguments(BF16, "0:C0BF", 0, -1.5f),
                arguments(Q4_0, "0:0040 2:F1", 0, 2f * (1 - 8)),
                arguments(Q4_0, "0:0040 2:F1", 16, 2f * (15 - 8)),
                arguments(Q4_0, "0:00C0 17:8A", 31, -0f),
                arguments(Q4_1, "0:00400038 4:F1", 0, 2.5f),
                arguments(Q4_1, "0:00400038 4:F1", 16, 30.5f),
                arguments(Q5_0, "0:0040 2:01000000 6:F1", 0, 2f * (17 - 16)),
                arguments(Q5_0, "0:0040 2:01000000 6:F1", 16, 2f * (15 - 16)),
                arguments(Q5_0, "0:0040 2:00000080 21:F1", 31, 2f * (31 - 16)),
                arguments(Q5_1, "0:00400038 4:01000000 8:F1", 0, 34.5f),
                arguments(Q5_1, "0:00400038 4:01000000 8:F1", 16, 30.5f),
                arguments(Q8_0, "0:0038 2:80", 0, -64f),
                arguments(Q8_0, "0:0038 33:7F", 31, 63.5f),
                arguments(IQ4_NL, "0:0040 2:F1", 0, -208f),
                arguments(IQ4_NL, "0:0040 2:F1", 16, 226f),
                arguments(MXFP4, "0:81 1:F1", 0, 2f),
                arguments(MXFP4, "0:81 1:F1", 16, -24f),
                arguments(MXFP4, "0:81 2:08", 1, -0f),
                arguments(MXFP4, "0:00 1:F1", 0, 0x1p-128f),
                arguments(MXFP4, "0:01 1:F1", 0, 0x1p-127f),
                arguments(MXFP4, "0:FE 1:F1", 0, 0x1p126f),
                arguments(Q2_K, "0:53 6:53 16:E4 80:0040003C", 0, -5f),
                arguments(Q2_K, "0:53 6:53 16:E4 80:0040003C", 96, 2f * 3 * 3 - 5),
                arguments(Q3_K, "1:01 32:0303 96:01 104:02 108:0040", 0, 2f * (33 - 32) * (3 - 4)),
                arguments(Q3_K, "1:01 32:0303 96:01 104:02 108:0040", 1, 2f * (33 - 32) * 3),
                arguments(Q4_K, k + "16:07 80:02", 0, 2f * 3 * 7 - 5),
                arguments(Q4_K, k + "16:07 80:02", 128, 2f * 49 * 2 - 18),
                arguments(Q5_K, k + "16:11 48:07 112:02", 0, 2f * 3 * 23 - 5),
                arguments(Q5_K, k + "16:11 48:07 112:02", 128, 2f * 49 * 18 - 18),
                arguments(Q6_K, "0:0F 128:02 192:FD 196:01 208:0040", 0, 2f * -3 * (47 - 32)),
                arguments(Q6_K, "0:0F 128:02 192:FD 196:01 208:0040", 64, 2f * 1 * (0 - 32)),
                arguments(IQ4_XS, "0:0040 2:0200 4:01 8:F1", 0, 2f * (33 - 32) * -104),
                arguments(IQ4_XS, "0:0040 2:0200 4:01 8:F1", 16, 2f * (33 - 32) * 113));
    }

    @ParameterizedTest
    @MethodSource("values")
    void elementHasTheValueWorkedOutByHand(GgmlType type, String fields, int element, float expected) {
        MemorySegment block = MemorySegment.ofArray(new byte[type.blockBytes()]);
        for (String field : fields.split(" ")) {
            String[] offsetAndBytes = field.split(":");
            MemorySegment bytes = MemorySegment.ofArray(HexFormat.of().parseHex(offsetAndBytes[1]));
            MemorySegment.copy(bytes, 0, block, Long.parseLong(offsetAndBytes[0]), bytes.byteSize());
        }
        float[] out = new float[type.blockElements()];
        BlockFormats.of(type).orElseThrow().dequantize(block, 0, out, 0, out.length);
        assertEquals(Float.floatToIntBits(expected), Float.floatToIntBits(out[element]), () -> out[element] + " instead of " + expected);
    }
}
