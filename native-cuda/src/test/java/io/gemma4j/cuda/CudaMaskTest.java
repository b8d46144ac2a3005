package io.gemma4j.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gemma4j.Backend;
import io.gemma4j.Constraint;
import io.gemma4j.CpuKernels;
import io.gemma4j.Gemma4;
import io.gemma4j.Generation;
import io.gemma4j.GenerationRequest;
import io.gemma4j.LoadOptions;
import io.gemma4j.SamplingOptions;
import io.gemma4j.backend.Activations;
import io.gemma4j.backend.DeviceSampler;
import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.backend.Step;
import io.gemma4j.sampling.Sampler;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Tokens that the GPU draws among those that are allowed, against {@link Sampler}, and texts that keep to a constraint. */
@Gpu
class CudaMaskTest {
    private static final int[] SUPPRESSED = {2, 11};
    private static final Constraint SCHEMA = Constraint.jsonSchema("""
            {"type": "object", "properties": {"name": {"type": "string"}, "tags": {"type": "array", "items": {"enum": ["red", "green", 3]}}, "n":
            {"type": "integer"}, "at": {"type": "string", "format": "date"}}, "required": ["name", "tags", "n", "at"]}""");

    private static Stream<SamplingOptions> options() {
        SamplingOptions base = SamplingOptions.greedy().seed(2027);
        SamplingOptions warm = base.temperature(1.1f);
        return Stream.of(base, warm.topK(64).topP(.95f), warm.topK(7).minP(.01f), warm.topK(33).typicalP(.7f), warm, warm.topP(.8f).topK(200),
                base.repetitionPenalty(1.5f).penaltyTokens(6), warm.topK(20).presencePenalty(.6f).frequencyPenalty(.4f).penaltyTokens(-1),
                warm.topK(50).logitBias(Map.of(1, Float.NEGATIVE_INFINITY, 3, 5f)));
    }

    /** Masks of some, one, all and no tokens; the bits past the last token are set as well. */
    private static long[] mask(int kind, int vocabulary, Random random) {
        long[] mask = new long[Math.ceilDiv(vocabulary, Long.SIZE)];
        switch (kind) {
            case 0 -> Arrays.fill(mask, -1);
            case 1 -> {
                int only = random.nextInt(vocabulary);
                mask[only / Long.SIZE] = 1L << only;
            }
            case 2 -> {}
            default -> {
                for (int i = 0; i < 1 + random.nextInt(4 * kind * kind); i++) {
                    int one = random.nextInt(vocabulary);
                    mask[one / Long.SIZE] |= 1L << one;
                }
            }
        }
        if (vocabulary % Long.SIZE > 0 && kind != 2) {
            mask[mask.length - 1] |= -1L << vocabulary;
        }
        return mask;
    }

    /** A line of logits, of which some are equal, some infinite, and those that are not allowed may be no numbers. */
    private static float[] logits(int vocabulary, long[] mask, Random random) {
        float[] logits = new float[vocabulary];
        for (int token = 0; token < vocabulary; token++) {
            boolean allowed = (mask[token / Long.SIZE] >>> token & 1) != 0;
            logits[token] = !allowed && random.nextInt(50) == 0 ? Float.NaN : random.nextInt(97) == 0 ? Float.NEGATIVE_INFINITY
                    : token % 5 == 0 ? Math.round(4 * random.nextGaussian()) : (float) (4 * random.nextGaussian());
        }
        return logits;
    }

    /** Puts logits where a step would leave them. */
    private static void put(float[] row, Activations logits) {
        try (CudaContext context = new CudaContext(CudaDevice.of(0)); CudaStream stream = new CudaStream(context); Arena arena = Arena.ofConfined()) {
            stream.upload(arena.allocateFrom(JAVA_FLOAT, row), ((CudaActivations) logits).start());
            stream.synchronize();
        }
    }

    private static void run(DeviceSampler device, KvCache text, int token) {
        device.run(Step.of(text, new int[] {token}, Step.LogitRows.LAST), () -> {});
    }

    @TestFactory
    Stream<DynamicTest> drawsAreThoseOfTheSamplerOnTheHost() {
        return options().map(options -> DynamicTest.dynamicTest(options.toString(), () -> {
            Random random = new Random(31);
            for (int vocabulary : new int[] {70, 4099, 262_144}) {
                try (Side gpu = Side.gpu(); KvCache text = new KvCache(List.of(), 0, 1000)) {
                    ModelBackend backend = gpu.backend();
                    Sampler sampler = new Sampler(options, vocabulary);
                    Activations logits = backend.allocateActivations(1, vocabulary);
                    try (DeviceSampler device = backend.newDeviceSampler(sampler, SUPPRESSED, logits, true).orElseThrow()) {
                        int last = 5;
                        for (int draw = 0; draw < 24; draw++) {
                            long[] mask = mask(draw % 7, vocabulary, random);
                            float[] row = logits(vocabulary, mask, random);
                            put(row, logits);
                            sampler.accept(last);
                            run(device, text, last);
                            device.draw(mask);
                            text.append(1);
                            for (int token : SUPPRESSED) {
                                row[token] = Float.NEGATIVE_INFINITY;
                            }
                            int expected = sampler.sample(row, mask);
                            assertEquals(expected < 0 ? DeviceSampler.NONE_POSSIBLE : expected, device.take(), "draw " + draw + " of " + vocabulary);
                            last = Math.max(expected, 0);
                        }
                    }
                }
            }
        }));
    }

    @Test
    void aNumberThatIsNoneIsSeenWhereItIsAllowedOnly() {
        try (Side gpu = Side.gpu(); KvCache text = new KvCache(List.of(), 0, 10)) {
            float[] row = new float[300];
            row[77] = Float.NaN;
            Activations logits = gpu.backend().allocateActivations(1, row.length);
            put(row, logits);
            Sampler sampler = new Sampler(SamplingOptions.greedy(), row.length);
            try (DeviceSampler device = gpu.backend().newDeviceSampler(sampler, new int[0], logits, true).orElseThrow()) {
                run(device, text, 1);
                device.draw(new long[] {0, 1L << 70, 0, 0, 0});
                assertEquals(70, device.take());
                run(device, text, 1);
                device.draw(new long[] {0, 1L << 77, 0, 0, 0});
                assertEquals(DeviceSampler.NOT_A_NUMBER, device.take());
                assertThrows(IllegalStateException.class, () -> device.draw(new long[5]));
                run(device, text, 1);
                assertThrows(IllegalArgumentException.class, () -> device.draw(new long[4]));
            }
        }
    }

    private static Gemma4 load(Path file, Backend backend) throws IOException {
        return Gemma4.load(file, LoadOptions.defaults().backend(backend).cpuKernels(CpuKernels.SCALAR).contextTokens(512).prefillTokens(64));
    }

    private static GenerationRequest request(GenerationRequest prompt, SamplingOptions options, int maxTokens) {
        return prompt.constraint(SCHEMA).sampling(o -> options).maxTokens(maxTokens);
    }

    private static GenerationRequest request(Gemma4 model, SamplingOptions options, int maxTokens) {
        return request(model.prompt("some text").raw(true), options, maxTokens);
    }

    /** Who asks for probabilities has every token drawn on the host. */
    @TestFactory
    Stream<DynamicTest> constrainedTextsAreThoseThatAreDrawnOnTheHost() {
        return GoldenModel.all().map(golden -> DynamicTest.dynamicTest(golden.toString(), () -> {
            try (Gemma4 model = load(golden.file(), Backend.CUDA)) {
                options().forEach(options -> {
                    for (int maxTokens : new int[] {60, 200}) {
                        Generation expected = request(model, options, maxTokens).logprobs(1).generate();
                        Generation found = request(model, options, maxTokens).generate();
                        assertEquals(expected.text(), found.text(), options.toString());
                        assertEquals(expected.tokens(), found.tokens(), options.toString());
                    }
                });
            }
        }));
    }

    @Test
    void theMostLikelyTextIsThatOfTheProcessor() throws IOException {
        Path trained = Path.of("../examples/src/main/resources/io/gemma4j/examples/tiny.gguf");
        List<List<String>> texts = new ArrayList<>();
        for (Backend backend : List.of(Backend.CPU, Backend.CUDA)) {
            try (Gemma4 model = load(trained, backend)) {
                List<String> said = new ArrayList<>();
                for (String question : List.of("What is 12 + 30?", "What is the capital of France?", "Say hello.")) {
                    for (int maxTokens : new int[] {50, 120}) {
                        said.add(request(model.prompt(question), SamplingOptions.greedy(), maxTokens).generate().text());
                    }
                }
                texts.add(said);
            }
        }
        assertEquals(texts.get(0), texts.get(1));
    }

    @TestFactory
    Stream<DynamicTest> generationsThatTakeTurnsGetWhatEachGetsAlone() {
        return GoldenModel.bundled().map(golden -> DynamicTest.dynamicTest(golden.toString(), () -> {
            try (Gemma4 model = load(golden.file(), Backend.CUDA)) {
                List<List<String>> alone = new ArrayList<>();
                List<List<String>> together = new ArrayList<>();
                List<Iterator<String>> running = new ArrayList<>();
                for (SamplingOptions one : options().toList()) {
                    // Every other one has no constraint.
                    GenerationRequest form = running.size() % 2 == 0 ? request(model, one, 60)
                            : model.prompt("one").raw(true).sampling(o -> one).maxTokens(30);
                    try (Stream<String> pieces = form.stream()) {
                        alone.add(pieces.toList());
                    }
                    together.add(new ArrayList<>());
                    running.add(form.stream().iterator());
                }
                while (running.stream().anyMatch(Iterator::hasNext)) {
                    for (int i = 0; i < running.size(); i++) {
                        if (running.get(i).hasNext()) {
                            together.get(i).add(running.get(i).next());
                        }
                    }
                }
                assertEquals(alone, together);
            }
        }));
    }
}
