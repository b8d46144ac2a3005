package io.gemma4j.cuda;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.model.Gemma4Config;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * A small model, what the reference implementation computes from it in double precision, and how far llama.cpp is from that on its GPU path.
 *
 * @param maxKl largest Kullback-Leibler divergence of a row, in nats
 * @param maxRelativeL2 largest relative error of a row
 */
record GoldenModel(String name, Path file, List<Prompt> prompts, double maxKl, double maxRelativeL2) {
    private static final Path BUNDLED = Path.of("../core/src/test/resources/fixtures");
    private static final Path LARGER = Path.of("../../shared/fixtures");

    /** One prompt and the logits after each of {@code positions}. */
    record Prompt(int[] ids, int[] positions, float[][] logits) {}

    /** Those that come with the tests. */
    static Stream<GoldenModel> bundled() {
        return Stream.of(read(BUNDLED, "dense-mini-Q4_K_M", .015, .095), read(BUNDLED, "elastic-mini-Q8_0", .0030, .047),
                read(BUNDLED, "moe-mini-Q4_K_M", .0094, .075));
    }

    /** Those that come with the tests, and the larger ones where they are at hand. */
    static Stream<GoldenModel> all() {
        return Stream.concat(bundled(), Stream.of(read(LARGER, "dense-Q4_K_M", .0072, .074), read(LARGER, "elastic-Q4_0", .0085, .089),
                read(LARGER, "moe-Q4_K_M", .041, .19)).filter(model -> Files.exists(model.file)));
    }

    /** Tokens that a layer with a sliding window sees. */
    int window() throws IOException {
        return config().layers().stream().filter(Gemma4Config.Layer::sliding).findFirst().orElseThrow().window();
    }

    /** Whether tokens choose among experts. */
    boolean hasExperts() throws IOException {
        return config().experts() > 0;
    }

    private Gemma4Config config() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            return Gemma4Config.of(GgufFile.open(file, arena));
        }
    }

    private static GoldenModel read(Path folder, String name, double maxKl, double maxRelativeL2) {
        List<Prompt> prompts = new ArrayList<>();
        Path file = folder.resolve(name + ".gguf");
        if (Files.exists(file)) {
            try {
                JsonNode golden = new ObjectMapper().readTree(folder.resolve(name + ".golden.json").toFile());
                ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(folder.resolve(name + ".golden.f32"))).order(ByteOrder.LITTLE_ENDIAN);
                for (JsonNode prompt : golden.get("prompts")) {
                    float[][] logits = new float[prompt.get("positions").size()][golden.get("vocab").asInt()];
                    for (float[] row : logits) {
                        bytes.asFloatBuffer().get(row);
                        bytes.position(bytes.position() + row.length * Float.BYTES);
                    }
                    prompts.add(new Prompt(ints(prompt.get("ids")), ints(prompt.get("positions")), logits));
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return new GoldenModel(name, file, prompts, maxKl, maxRelativeL2);
    }

    private static int[] ints(JsonNode array) {
        int[] values = new int[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).asInt();
        }
        return values;
    }

    /** {@code |actual - expected| / |expected|}. */
    static double relativeL2(float[] actual, float[] expected) {
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += Math.pow((double) actual[i] - expected[i], 2);
            norm += Math.pow(expected[i], 2);
        }
        return norm == 0 ? Math.sqrt(difference) : Math.sqrt(difference / norm);
    }

    /** Divergence of the distribution that {@code actual} gives from the one that {@code expected} gives. */
    static double kl(float[] actual, float[] expected) {
        double actualNorm = logSumExp(actual);
        double expectedNorm = logSumExp(expected);
        double sum = 0;
        for (int i = 0; i < expected.length; i++) {
            double logP = expected[i] - expectedNorm;
            sum += Math.exp(logP) * (logP - (actual[i] - actualNorm));
        }
        return sum;
    }

    private static double logSumExp(float[] logits) {
        double max = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            max = Math.max(max, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - max);
        }
        return max + Math.log(sum);
    }

    @Override
    public String toString() {
        return name;
    }
}
