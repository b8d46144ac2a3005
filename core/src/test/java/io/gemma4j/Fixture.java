package io.gemma4j;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * A small model with random weights and what the reference implementation computes from it in double precision: logits at some positions of some
 * prompts, and greedy continuations.
 */
public record Fixture(String name, Path model, List<Prompt> prompts) {

    /** One prompt: the logits after each of {@code positions}, and the tokens that follow greedily. */
    public record Prompt(int[] ids, int[] positions, float[][] logits, int[] greedy) {}

    /** The fixtures that come with the tests, and the larger ones where they are at hand. */
    public static List<Fixture> all() {
        List<Fixture> fixtures = new ArrayList<>(List.of(bundled("dense-mini-Q4_K_M"), bundled("elastic-mini-Q8_0"), bundled("moe-mini-Q4_K_M")));
        Path larger = Path.of("../../shared/fixtures");
        if (Files.isDirectory(larger)) {
            try (Stream<Path> files = Files.list(larger)) {
                files.filter(file -> file.toString().endsWith(".gguf")).sorted()
                        .forEach(file -> fixtures.add(read(larger, file.getFileName().toString().replace(".gguf", ""))));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return fixtures;
    }

    /** A fixture that comes with the tests. */
    public static Fixture bundled(String name) {
        try {
            return read(Path.of(Fixture.class.getResource("/fixtures").toURI()), name);
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Fixture read(Path folder, String name) {
        try {
            JsonNode golden = new ObjectMapper().readTree(folder.resolve(name + ".golden.json").toFile());
            ByteBuffer rows = ByteBuffer.wrap(Files.readAllBytes(folder.resolve(name + ".golden.f32"))).order(ByteOrder.LITTLE_ENDIAN);
            int vocabulary = golden.get("vocab").asInt();
            List<Prompt> prompts = new ArrayList<>();
            for (JsonNode prompt : golden.get("prompts")) {
                int[] positions = ints(prompt.get("positions"));
                float[][] logits = new float[positions.length][vocabulary];
                for (float[] row : logits) {
                    rows.asFloatBuffer().get(row);
                    rows.position(rows.position() + vocabulary * Float.BYTES);
                }
                prompts.add(new Prompt(ints(prompt.get("ids")), positions, logits, ints(prompt.get("greedy"))));
            }
            return new Fixture(name, folder.resolve(name + ".gguf"), prompts);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static int[] ints(JsonNode array) {
        int[] values = new int[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).asInt();
        }
        return values;
    }

    /** {@code |actual - expected| / |expected|}. */
    public static double relativeL2(float[] actual, float[] expected) {
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += Math.pow((double) actual[i] - expected[i], 2);
            norm += Math.pow(expected[i], 2);
        }
        return Math.sqrt(difference / norm);
    }

    /** {@code sum p ln (p / q)} with the softmaxes {@code p} of the reference and {@code q} of the logits. */
    public static double divergence(float[] reference, float[] logits) {
        double p = logSumExp(reference);
        double q = logSumExp(logits);
        double sum = 0;
        for (int i = 0; i < reference.length; i++) {
            sum += Math.exp(reference[i] - p) * (reference[i] - p - (logits[i] - q));
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
