package io.gemma4j.metal.fake;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@ExtendWith(MetalDriver.class)
@Execution(ExecutionMode.CONCURRENT)
class ShaderCheckTest {
    private static final String ARGUMENTS = """
            #include <metal_stdlib>
            using namespace metal;
            kernel void k(device float * o [[buffer(0)]], device half * h [[buffer(1)]], constant uint & n [[buffer(2)]],
                          uint i [[thread_position_in_grid]], ushort lane [[thread_index_in_simdgroup]]) {
            """;

    static List<Path> rejected() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("src/test/resources/rejected"))) {
            return files.sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("rejected")
    void whatMetalRejectsIsRejected(Path shader) {
        assertNotEquals("", MetalDriver.fake().compiler().check(shader));
    }

    @Test
    void everySampleOfWhatMetalRejectsIsThere() throws IOException {
        assertEquals(63, rejected().size());
    }

    private static void accepts(String body) {
        assertEquals("", MetalDriver.fake().compiler().compile(ARGUMENTS + body + "\n}\n", false).diagnostics());
    }

    @Test
    void vectorsTheirSwizzlesAndConversionsAreAccepted() {
        accepts("float4 v = float4(o[i], float2(h[i]), 1.0f); v.xy = v.zw; o[i] = dot(v, float4(uchar4(1, 2, 3, 4))); h[i] = half(v.x);");
    }

    @Test
    void literalsOfHalfAndBfloatAreAccepted() {
        accepts("half a = 0.5h; bfloat b = bfloat(o[i]); o[i] = float(a) + float(b);");
    }

    @Test
    void matricesOfASimdgroupAreAccepted() {
        accepts("""
                threadgroup half tile[64];
                simdgroup_half8x8 a, b;
                simdgroup_float8x8 c = make_filled_simdgroup_matrix<float, 8>(0.0f);
                simdgroup_load(a, tile, 8);
                simdgroup_load(b, h, 8, 0, true);
                simdgroup_multiply_accumulate(c, a, b, c);
                simdgroup_store(c, o, 8);
                """);
    }

    @Test
    void anAmbiguousCallThatOverloadingResolvesIsAccepted() {
        accepts("o[i] = pow(o[i], 2);");
    }
}
