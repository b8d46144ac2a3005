package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.backend.Activations;
import io.gemma4j.backend.BackendOptions;
import io.gemma4j.backend.BackendProvider;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.backend.cpu.CpuBackendProvider;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(240)
class EmbeddingTest {
    private static final String TEXT = "The quick brown fox, 12 of them: jumps over!";

    /** Notes the hidden states that the head makes logits of. */
    private static final class HeadInputs implements BackendProvider {
        final List<float[]> rows = new ArrayList<>();

        @Override
        public String name() {
            return "cpu";
        }

        @Override
        public int priority() {
            return 0;
        }

        @Override
        public ModelBackend open(BackendOptions options) throws UnavailableException {
            ModelBackend cpu = new CpuBackendProvider().open(options);
            return (ModelBackend) Proxy.newProxyInstance(ModelBackend.class.getClassLoader(), new Class<?>[] {ModelBackend.class}, (proxy, method, given) -> {
                try {
                    Object result = method.invoke(cpu, given);
                    if (method.getName().equals("headBlock")) {
                        for (int row = 0; row < (int) given[5]; row++) {
                            float[] hidden = new float[((Activations) given[3]).width()];
                            cpu.read((Activations) given[3], row, hidden);
                            rows.add(hidden);
                        }
                    }
                    return result;
                } catch (InvocationTargetException e) {
                    throw e.getCause();
                }
            });
        }
    }

    @ParameterizedTest
    @CsvSource({"dense-mini-Q4_K_M, 512", "elastic-mini-Q8_0, 5", "moe-mini-Q4_K_M, 7"})
    void anEmbeddingIsThePooledInputOfTheHead(String name, int prefillTokens) throws Exception {
        HeadInputs inputs = new HeadInputs();
        LoadOptions options = MiniModels.options().kvType(KvType.F32).prefillTokens(prefillTokens);
        try (Gemma4 model = Gemma4.load(Fixture.bundled(name).model(), options, List.of(inputs))) {
            try (Session session = model.newSession()) {
                session.feed(model.tokenizer().encode(TEXT), logits -> {});
            }
            List<float[]> rows = List.copyOf(inputs.rows);
            assertEquals(model.tokenizer().encode(TEXT).length, rows.size());
            assertSame(unit(mean(rows)), model.embed(TEXT));
            assertSame(unit(mean(rows)), model.embed(TEXT, Pooling.MEAN));
            assertSame(unit(mean(rows.subList(rows.size() - 1, rows.size()))), model.embed(TEXT, Pooling.LAST));
        }
    }

    @Test
    void anEmbeddingHasTheSizeOfTheModelAndLengthOne() throws Exception {
        try (Gemma4 model = MiniModels.dense()) {
            float[] vector = model.embed("");
            double squares = 0;
            for (float value : vector) {
                squares += value * (double) value;
            }
            assertEquals(1, squares, 1e-6);
            assertThrows(ContextOverflowException.class, () -> model.embed("word ".repeat(400)));
            assertThrows(NullPointerException.class, () -> model.embed("a", null));
            assertEquals(0, model.openSessions());
        }
    }

    private static double[] mean(List<float[]> rows) {
        double[] mean = new double[rows.getFirst().length];
        for (float[] row : rows) {
            for (int i = 0; i < row.length; i++) {
                mean[i] += row[i] / (double) rows.size();
            }
        }
        return mean;
    }

    private static double[] unit(double[] vector) {
        double length = Math.sqrt(Arrays.stream(vector).map(value -> value * value).sum());
        return Arrays.stream(vector).map(value -> value / length).toArray();
    }

    private static void assertSame(double[] expected, float[] actual) {
        assertEquals(expected.length, actual.length);
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], actual[i], 1e-5);
        }
        assertTrue(expected.length > 1);
    }
}
