package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.backend.DeviceSampler;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Tokens drawn on a device, a step ahead of the host, against the same tokens drawn on the host from the logits of each step. */
class DeviceDrawingTest {
    private static final int[] PROMPT = {2, 77, 31, 9, 200, 31, 8};
    private static final int TOKENS = 16;

    private static DrawingBackend device;
    private static Gemma4 drawing;
    private static Gemma4 host;

    @BeforeAll
    static void load() throws Exception {
        device = new DrawingBackend();
        drawing = device.load(MiniModels.DENSE, MiniModels.options());
        host = MiniModels.dense();
    }

    @AfterAll
    static void close() {
        drawing.close();
        host.close();
    }

    @BeforeEach
    void reset() {
        device.draws = 0;
        device.steps = 0;
        device.ahead = 0;
        device.loses = () -> false;
    }

    static Stream<SamplingOptions> options() {
        SamplingOptions base = SamplingOptions.greedy().seed(11);
        return Stream.of(base, base.temperature(.7f), base.temperature(1.3f).topK(20).topP(.9f), base.temperature(1).minP(.02f).typicalP(.8f),
                base.repetitionPenalty(1.4f).penaltyTokens(5), base.temperature(1).presencePenalty(.5f).frequencyPenalty(.3f).penaltyTokens(-1),
                base.logitBias(Map.of(3, 40f, 5, Float.NEGATIVE_INFINITY)).temperature(1));
    }

    /** Bans the tokens that end a generation. */
    private static Map<Integer, Float> noEnd() {
        return IntStream.of(drawing.tokenizer().endOfGenerationTokens()).boxed().collect(Collectors.toMap(end -> end, end -> Float.NEGATIVE_INFINITY));
    }

    private static List<Integer> generate(Session session, SamplingOptions options, int tokens) {
        List<Integer> drawn = new ArrayList<>();
        session.generate(options, tokens, drawn::add);
        return drawn;
    }

    @ParameterizedTest
    @MethodSource("options")
    void tokensAreThoseThatAreDrawnOnTheHost(SamplingOptions options) {
        try (Session there = drawing.newSession(); Session here = host.newSession()) {
            List<Integer> expected = generate(here.feed(PROMPT), options, TOKENS);
            assertEquals(expected, generate(there.feed(PROMPT), options, TOKENS));
            assertEquals(TOKENS - 2, device.ahead);
            Random random = new Random(5);
            device.loses = () -> random.nextInt(3) == 0;
            there.clear();
            assertEquals(expected, generate(there.feed(PROMPT), options, TOKENS));
        }
    }

    @ParameterizedTest
    @MethodSource("options")
    void aRequestGivesTheSameOnBothAndTheDeviceDrawsNoTokenTooMany(SamplingOptions options) {
        Generation expected = host.prompt("some text").sampling(o -> options).maxTokens(TOKENS).generate();
        Generation found = drawing.prompt("some text").sampling(o -> options).maxTokens(TOKENS).generate();
        assertEquals(expected.tokens(), found.tokens());
        assertEquals(expected.text(), found.text());
        assertEquals(expected.finishReason(), found.finishReason());
        boolean ranToTheEnd = found.finishReason() == FinishReason.MAX_TOKENS;
        assertEquals(found.tokens().size() + (ranToTheEnd ? 0 : 1), device.draws);
        assertEquals(0, device.open);
    }

    @Test
    void whoeverStopsEarlyFindsTheSessionAtTheTokenThatStopped() {
        try (Session there = drawing.newSession(); Session here = host.newSession()) {
            for (Session session : List.of(there, here)) {
                int[] left = {7};
                session.feed(PROMPT).generate(SamplingOptions.greedy(), TOKENS, token -> --left[0] > 0);
                assertEquals(PROMPT.length + 6, session.tokens());
                assertThrows(IllegalStateException.class, session::logits);
            }
            // What the device had run ahead must not be seen.
            assertArrayEquals(here.feed(44, 45).logits().toArray(), there.feed(44, 45).logits().toArray());
        }
    }

    @Test
    void aTokenOfTheCallerTakesThePlaceOfTheOneThatWasDrawn() {
        int[][] tokens = new int[2][];
        for (int i = 0; i < 2; i++) {
            try (Session session = (i == 0 ? drawing : host).newSession()) {
                session.enter();
                TokenRun run = new TokenRun(i == 0 ? drawing : host, session, PROMPT, SamplingOptions.greedy().temperature(1).seed(4), () -> false,
                        ProgressListener.NONE, 100, 0, false);
                IntStream.of(0, 0, 50, 51, 0, 52, 0, 0).forEach(forced -> {
                    if (forced == 0) {
                        run.draw();
                    } else {
                        run.force(forced);
                    }
                });
                tokens[i] = run.tokens().stream().mapToInt(Integer::intValue).toArray();
                assertArrayEquals(IntStream.concat(IntStream.of(PROMPT), IntStream.of(tokens[i]).limit(7)).toArray(), session.text().history());
                run.end(FinishReason.MAX_TOKENS);
                session.exit();
            }
        }
        assertArrayEquals(tokens[1], tokens[0]);
        assertTrue(device.ahead > 0);
    }

    @Test
    void sessionsThatTakeTurnsGetWhatEachGetsAlone() {
        SamplingOptions options = SamplingOptions.greedy().temperature(1).repetitionPenalty(1.2f).seed(8);
        List<List<String>> alone = new ArrayList<>();
        for (String prompt : List.of("one text", "another")) {
            try (Stream<String> pieces = host.prompt(prompt).sampling(o -> options).maxTokens(TOKENS).stream()) {
                alone.add(pieces.toList());
            }
        }
        try (Stream<String> first = drawing.prompt("one text").sampling(o -> options).maxTokens(TOKENS).stream();
                Stream<String> second = drawing.prompt("another").sampling(o -> options).maxTokens(TOKENS).stream()) {
            List<List<String>> together = List.of(new ArrayList<>(), new ArrayList<>());
            List<Iterator<String>> pieces = List.of(first.iterator(), second.iterator());
            for (int i = 0; pieces.get(0).hasNext() || pieces.get(1).hasNext(); i++) {
                if (pieces.get(i % 2).hasNext()) {
                    together.get(i % 2).add(pieces.get(i % 2).next());
                }
            }
            assertEquals(alone, together);
        }
    }

    @Test
    void aFullSessionEndsTheGeneration() throws Exception {
        DrawingBackend small = new DrawingBackend();
        try (Gemma4 model = small.load(MiniModels.DENSE, MiniModels.options().contextTokens(PROMPT.length + 4)); Session session = model.newSession()) {
            assertEquals(5, generate(session.feed(PROMPT), SamplingOptions.greedy(), TOKENS).size());
            assertEquals(PROMPT.length + 4, session.tokens());
        }
    }

    @Test
    void aLogitThatIsNoNumberEndsTheGenerationWithThatReason() {
        device.failure = DeviceSampler.NOT_A_NUMBER;
        Gemma4Exception e = assertThrows(Gemma4Exception.class, () -> drawing.prompt("text").maxTokens(3).generate());
        assertTrue(e.getMessage().contains("NaN"), e.getMessage());
        assertEquals(0, device.open);
    }

    @Test
    void whatIsCancelledEndsWithTheTokensThatWereTaken() {
        Cancellation cancellation = new Cancellation();
        List<String> pieces = new ArrayList<>();
        Generation generation = drawing.prompt("text").sampling(o -> SamplingOptions.greedy()).logitBias(noEnd()).cancellation(cancellation)
                .stream(piece -> {
                    pieces.add(piece);
                    if (pieces.size() == 3) {
                        cancellation.cancel();
                    }
                });
        assertEquals(FinishReason.CANCELLED, generation.finishReason());
        assertEquals(String.join("", pieces), generation.text());
        assertEquals(0, device.open);
    }
}
