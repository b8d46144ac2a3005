package io.gemma4j.bench.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gemma4j.KvType;
import io.gemma4j.bench.synth.Preset;
import io.gemma4j.bench.synth.SmallModels;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.quantize.TypeMix;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Bytes of a token against sums by hand. */
class MemoryTrafficTest {
    @TempDir
    Path folder;

    private long tensorBytes(GgufFile file, String suffix) {
        return file.tensors().stream().filter(tensor -> tensor.name().endsWith(suffix)).mapToLong(tensor -> tensor.bytes().byteSize()).sum();
    }

    @Test
    void expertsCountByTheirShareAndTheTiedHeadWhole() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            GgufFile file = GgufFile.open(SmallModels.write(Preset.A4B_26B, 2, TypeMix.Q4_K_M, folder), arena);
            // 4 of 16 experts.
            assertEquals(tensorBytes(file, "") - tensorBytes(file, "_exps.weight") * 3 / 4, MemoryTraffic.of(file, KvType.F16).weightBytes());
        }
    }

    @Test
    void perLayerTableCountsWithOneRow() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            GgufFile file = GgufFile.open(SmallModels.write(Preset.E2B, 4, TypeMix.F16, folder), arena);
            long row = 4 * 256 * 2;
            assertEquals(tensorBytes(file, "") - tensorBytes(file, "per_layer_token_embd.weight") + row,
                    MemoryTraffic.of(file, KvType.F16).weightBytes());
        }
    }

    @Test
    void slidingLayersStopGrowingAtTheirWindow() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            // Sliding and full layer, each with one head of 256 and 512 elements, twice: the second two read what the first two stored.
            MemoryTraffic traffic = MemoryTraffic.of(GgufFile.open(SmallModels.write(Preset.E2B, 4, TypeMix.F16, folder), arena), KvType.F32);
            assertEquals(2 * 2 * 4 * (256 + 512), traffic.bytesPerToken(0) - traffic.weightBytes());
            assertEquals(2 * 2 * 4 * (32 * 256 + 100 * 512), traffic.bytesPerToken(99) - traffic.weightBytes());
            MemoryTraffic compressed = new MemoryTraffic(traffic.config(), traffic.weightBytes(), KvType.TQ4);
            assertEquals(2 * 2 * (2 * 32 * 256 + 100 * 288), compressed.bytesPerToken(99) - compressed.weightBytes());
        }
    }
}
