package io.gemma4j.metal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gemma4j.Backend;
import io.gemma4j.Constraint;
import io.gemma4j.Gemma4;
import io.gemma4j.LoadOptions;
import io.gemma4j.SamplingOptions;
import io.gemma4j.metal.fake.FakeMetal;
import io.gemma4j.metal.fake.MetalDriver;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Texts whose tokens are drawn on the GPU, a step ahead, against the same drawn on the host: who asks for probabilities sees each logit there. */
@ExtendWith(MetalDriver.class)
@TestInstance(Lifecycle.PER_CLASS)
class MetalDrawingTest {
    private static final Path MODEL = Path.of("../core/src/test/resources/fixtures/dense-mini-Q4_K_M.gguf");
    private static final int TOKENS = 12;

    private Gemma4 model;

    @BeforeAll
    void load() throws Exception {
        model = Gemma4.load(MODEL, LoadOptions.defaults().backend(Backend.METAL).contextTokens(128).prefillTokens(16));
    }

    @AfterAll
    void close() {
        model.close();
    }

    private String text(String prompt, UnaryOperator<SamplingOptions> options, boolean onHost) {
        var request = model.prompt(prompt).raw(true).sampling(options).maxTokens(TOKENS).stopTokens();
        return (onHost ? request.logprobs(1) : request).generate().text();
    }

    private String constrained(Constraint form, UnaryOperator<SamplingOptions> options, int maxTokens, boolean onHost) {
        var request = model.prompt("Once upon a time").raw(true).sampling(options).maxTokens(maxTokens).constraint(form);
        return (onHost ? request.logprobs(1) : request).generate().text();
    }

    static Stream<UnaryOperator<SamplingOptions>> options() {
        return Stream.of(o -> o.temperature(0), o -> o.seed(1).temperature(0.8f).topK(40).topP(0.9f), o -> o.seed(2).temperature(1.2f).topK(64).minP(0.02f),
                o -> o.seed(3).temperature(1).topK(20).repetitionPenalty(1.3f).presencePenalty(0.5f).penaltyTokens(-1),
                o -> o.seed(4).temperature(1).topK(20).frequencyPenalty(0.7f).penaltyTokens(5).logitBias(Map.of(100, 3f, 101, Float.NEGATIVE_INFINITY)),
                // Not drawn on the GPU.
                o -> o.seed(5).temperature(1).topK(0));
    }

    @ParameterizedTest
    @MethodSource("options")
    void tokensDrawnOnTheGpuAreThoseOfTheHost(UnaryOperator<SamplingOptions> options) {
        String expected = text("Once upon a time", options, true);
        assertEquals(0, drawsOnTheGpu());
        assertEquals(expected, text("Once upon a time", options, false));
        boolean supported = MetalSampling.supports(options.apply(SamplingOptions.defaults()));
        assertEquals(supported && !MetalDriver.isReal(), drawsOnTheGpu() > 0);
    }

    @ParameterizedTest
    @MethodSource("options")
    void constrainedTextsDrawnOnTheGpuAreThoseOfTheHost(UnaryOperator<SamplingOptions> options) {
        for (Constraint form : new Constraint[] {Constraint.regex("([a-z]{3} ){4}[0-9]"), Constraint.jsonSchema("{\"type\": \"array\", \"minItems\": 1}")}) {
            // The longer ones have no token that leads too far.
            for (int maxTokens : new int[] {18, 40}) {
                long before = drawsOnTheGpu();
                String expected = constrained(form, options, maxTokens, true);
                assertEquals(before, drawsOnTheGpu());
                assertEquals(expected, constrained(form, options, maxTokens, false));
                boolean supported = MetalSampling.supports(options.apply(SamplingOptions.defaults()));
                assertEquals(supported && !MetalDriver.isReal(), drawsOnTheGpu() > before);
            }
        }
    }

    /** Counted by the fake since the test began; not known otherwise. */
    private static long drawsOnTheGpu() {
        if (MetalDriver.isReal()) {
            return 0;
        }
        Map<String, FakeMetal.Counts> counts = MetalDriver.fake().counts();
        return Stream.of("sample_greedy", "sample_top_k").mapToLong(kernel -> counts.containsKey(kernel) ? counts.get(kernel).dispatches() : 0).sum();
    }

    @Test
    void constrainedTextsThatTakeTurnsGetWhatEachGetsAlone() {
        UnaryOperator<SamplingOptions> options = o -> o.seed(9).temperature(0.9f).topK(30).repetitionPenalty(1.1f);
        Constraint[] forms = {Constraint.regex("[a-z ]{9,}"), Constraint.json(), Constraint.choice("one of these", "another one")};
        String[] expected = Stream.of(forms).map(form -> constrained(form, options, 24, true)).toArray(String[]::new);
        var running = Stream.of(forms)
                .map(form -> CompletableFuture.supplyAsync(() -> constrained(form, options, 24, false), task -> Thread.ofPlatform().start(task))).toList();
        for (int i = 0; i < forms.length; i++) {
            assertEquals(expected[i], running.get(i).join());
        }
    }

    @Test
    void textsThatTakeTurnsGetWhatEachGetsAlone() {
        UnaryOperator<SamplingOptions> options = o -> o.seed(9).temperature(0.9f).topK(30);
        String[] prompts = {"One", "Two by two", "Three is a crowd"};
        String[] expected = Stream.of(prompts).map(prompt -> text(prompt, options, true)).toArray(String[]::new);
        var running = Stream.of(prompts).map(prompt -> CompletableFuture.supplyAsync(() -> text(prompt, options, false), task -> Thread.ofPlatform().start(task)))
                .toList();
        for (int i = 0; i < prompts.length; i++) {
            assertEquals(expected[i], running.get(i).join());
        }
    }
}
