package io.gemma4j.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gemma4j.Backend;
import io.gemma4j.Cancellation;
import io.gemma4j.FinishReason;
import io.gemma4j.Gemma4;
import io.gemma4j.LoadOptions;
import io.gemma4j.OutOfDeviceMemoryException;
import io.gemma4j.SamplingOptions;
import io.gemma4j.Session;
import io.gemma4j.sampling.Sampler;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Tokens that the GPU draws, against those that {@link Sampler} draws from the same logits. */
@Gpu
class CudaDrawingTest {
    private static final int TOKENS = 40;

    private static Gemma4 load(GoldenModel golden) throws IOException {
        return Gemma4.load(golden.file(), LoadOptions.defaults().backend(Backend.CUDA).contextTokens(512).prefillTokens(64));
    }

    private static Stream<SamplingOptions> options() {
        SamplingOptions base = SamplingOptions.greedy().seed(2027);
        SamplingOptions warm = base.temperature(1.1f);
        return Stream.of(base, warm.topK(64).topP(.95f), warm.topK(7).minP(.01f), warm.topK(33).typicalP(.7f), warm, warm.topP(.8f).topK(200),
                base.repetitionPenalty(1.5f).penaltyTokens(6), warm.topK(20).presencePenalty(.6f).frequencyPenalty(.4f).penaltyTokens(-1),
                warm.topK(50).logitBias(Map.of(1, Float.NEGATIVE_INFINITY, 3, 5f)), base.logitBias(Map.of(4, 100f)));
    }

    /** Feeds and draws by hand, on the host. */
    private static List<Integer> drawnOnHost(Session session, int[] prompt, SamplingOptions options) {
        float[] logits = session.feed(prompt).logits().toArray();
        Sampler sampler = new Sampler(options, logits.length);
        IntStream.of(prompt).forEach(sampler::accept);
        List<Integer> tokens = new ArrayList<>();
        while (true) {
            int token = sampler.sample(logits);
            tokens.add(token);
            if (tokens.size() == TOKENS) {
                return tokens;
            }
            sampler.accept(token);
            logits = session.feed(token).logits().toArray();
        }
    }

    private static List<Integer> drawnOnDevice(Session session, SamplingOptions options, int tokens) {
        List<Integer> drawn = new ArrayList<>();
        session.generate(options, tokens, drawn::add);
        return drawn;
    }

    @TestFactory
    Stream<DynamicTest> tokensAreThoseOfTheSamplerOnTheHost() {
        return GoldenModel.all().map(golden -> DynamicTest.dynamicTest(golden.toString(), () -> {
            int[] prompt = golden.prompts().getFirst().ids();
            try (Gemma4 model = load(golden); Session host = model.newSession(); Session device = model.newSession()) {
                options().forEach(options -> {
                    host.clear();
                    device.clear();
                    List<Integer> expected = drawnOnHost(host, prompt, options);
                    assertEquals(expected, drawnOnDevice(device.feed(prompt), options, TOKENS), options.toString());
                    assertEquals(host.tokens(), device.tokens());
                    // What it has run ahead must not be seen.
                    assertArrayEquals(host.feed(5).logits().toArray(), device.feed(5).logits().toArray(), options.toString());
                });
            }
        }));
    }

    @TestFactory
    Stream<DynamicTest> generationsThatTakeTurnsGetWhatEachGetsAlone() {
        return GoldenModel.all().map(golden -> DynamicTest.dynamicTest(golden.toString(), () -> {
            try (Gemma4 model = load(golden)) {
                List<List<String>> alone = new ArrayList<>();
                List<List<String>> together = new ArrayList<>();
                List<Iterator<String>> running = new ArrayList<>();
                List<SamplingOptions> options = options().toList();
                for (SamplingOptions one : options) {
                    try (Stream<String> pieces = model.prompt("one").sampling(o -> one).maxTokens(TOKENS).stream()) {
                        alone.add(pieces.toList());
                    }
                    together.add(new ArrayList<>());
                    running.add(model.prompt("one").sampling(o -> one).maxTokens(TOKENS).stream().iterator());
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

    @TestFactory
    Stream<DynamicTest> whatIsCancelledOrClosedMidwayLeavesTheDeviceUsable() {
        return GoldenModel.all().map(golden -> DynamicTest.dynamicTest(golden.toString(), () -> {
            int[] prompt = golden.prompts().getFirst().ids();
            try (Gemma4 model = load(golden); Session session = model.newSession()) {
                List<Integer> expected = drawnOnDevice(session.feed(prompt), SamplingOptions.greedy(), TOKENS);
                Cancellation cancellation = new Cancellation();
                int[] pieces = {0};
                FinishReason reason = model.prompt("some text").sampling(o -> SamplingOptions.greedy().logitBias(noEnd(model))).cancellation(cancellation)
                        .stream(piece -> {
                            if (++pieces[0] == 3) {
                                cancellation.cancel();
                            }
                        }).finishReason();
                assertEquals(FinishReason.CANCELLED, reason);
                Stream<String> abandoned = model.prompt("some text").sampling(o -> SamplingOptions.greedy().logitBias(noEnd(model))).stream();
                abandoned.iterator().next();
                abandoned.close();
                Session closed = model.newSession();
                closed.feed(prompt).generate(SamplingOptions.greedy(), TOKENS, token -> {
                    closed.close();
                    return false;
                });
                session.clear();
                assertEquals(expected, drawnOnDevice(session.feed(prompt), SamplingOptions.greedy(), TOKENS));
            }
        }));
    }

    @TestFactory
    Stream<DynamicTest> whoFindsNoMemoryLeavesTheDeviceUsable() {
        return GoldenModel.bundled().map(golden -> DynamicTest.dynamicTest(golden.toString(), () -> {
            int[] prompt = golden.prompts().getFirst().ids();
            try (Gemma4 model = load(golden); Session session = model.newSession()) {
                List<Integer> expected = drawnOnDevice(session.feed(prompt), SamplingOptions.greedy(), TOKENS);
                List<Session> opened = new ArrayList<>();
                try (CudaContext context = new CudaContext(CudaDevice.of(0));
                        CudaBuffer most = CudaBuffer.allocate(context, "a test", context.memory().freeBytes() - (64 << 20))) {
                    assertThrows(OutOfDeviceMemoryException.class, () -> {
                        while (most.bytes() > 0) {
                            opened.add(model.newSession());
                        }
                    });
                }
                opened.forEach(Session::close);
                session.clear();
                assertEquals(expected, drawnOnDevice(session.feed(prompt), SamplingOptions.greedy(), TOKENS));
            }
        }));
    }

    private static Map<Integer, Float> noEnd(Gemma4 model) {
        Map<Integer, Float> bans = new HashMap<>();
        Arrays.stream(model.tokenizer().endOfGenerationTokens()).forEach(end -> bans.put(end, Float.NEGATIVE_INFINITY));
        return bans;
    }
}
