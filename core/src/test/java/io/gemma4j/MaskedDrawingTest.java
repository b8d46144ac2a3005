package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.backend.DeviceSampler;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Tokens drawn on a device among those that a constraint allows, against the same tokens drawn on the host from the logits of each step. */
class MaskedDrawingTest {
    private static final int[] PROMPT = {2, 77, 31, 9, 200, 31, 8};
    private static final Constraint OBJECT = Constraint.jsonSchema("""
            {"type": "object", "properties": {"name": {"type": "string"}, "tags": {"type": "array", "items": {"enum": ["red", "green", 3]}}, "n":
            {"type": "integer"}}, "required": ["name", "tags", "n"]}""");

    // Long enough for no token to lead too far.
    private static final Constraint WORDS = Constraint.regex("[a-z ]{30,}");

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

    private static GenerationRequest request(Gemma4 model, Constraint constraint, SamplingOptions options, int maxTokens) {
        return model.prompt("some text").constraint(constraint.untold()).sampling(o -> options).maxTokens(maxTokens);
    }

    private static void assertSame(Constraint constraint, SamplingOptions options, int maxTokens) {
        Generation expected = request(host, constraint, options, maxTokens).generate();
        Generation found = request(drawing, constraint, options, maxTokens).generate();
        assertEquals(expected.tokens(), found.tokens(), () -> "at most " + maxTokens + " tokens: " + expected.text() + "\n" + found.text());
        assertEquals(expected.text(), found.text());
        assertEquals(expected.finishReason(), found.finishReason());
        assertEquals(0, device.open);
    }

    @ParameterizedTest
    @MethodSource("io.gemma4j.DeviceDrawingTest#options")
    void tokensAreThoseThatAreDrawnOnTheHost(SamplingOptions options) {
        Random random = new Random(5);
        assertSame(OBJECT, options, 40);
        device.loses = () -> random.nextInt(3) == 0;
        for (Constraint constraint : List.of(OBJECT, Constraint.json(), Constraint.choice("yes", "no", "perhaps not"), Constraint.regex("([a-z]{3} ){5}[0-9]"))) {
            assertSame(constraint, options, 30);
        }
        assertTrue(device.ahead > 0);
    }

    @Test
    void aTextThatHasToEndIsBroughtToItsEnd() {
        String message = assertThrows(IllegalArgumentException.class, () -> request(host, OBJECT, SamplingOptions.greedy(), 1).generate()).getMessage();
        int shortest = Integer.parseInt(message.replaceAll(".* at least (\\d+),.*", "$1"));
        for (int maxTokens = shortest; maxTokens < shortest + 12; maxTokens++) {
            assertSame(OBJECT, SamplingOptions.greedy().temperature(2).seed(maxTokens), maxTokens);
        }
    }

    @Test
    void aStepRunsOnceAndMostOfThemBeforeTheirTokenIsKnown() {
        Generation generation = request(drawing, WORDS, SamplingOptions.greedy().temperature(1).seed(3), 60).generate();
        int tokens = generation.tokens().size();
        assertTrue(tokens >= 10, generation.text());
        assertTrue(device.ahead >= tokens - 3, device.ahead + " of " + tokens);
        assertTrue(device.steps <= tokens + 1, device.steps + " for " + tokens);
    }

    @Test
    void whereNoAllowedTokenIsPossibleTheShortestTextIsWritten() {
        Map<Integer, Float> bans = new HashMap<>();
        IntStream.range(0, 1000).forEach(token -> bans.put(token, Float.NEGATIVE_INFINITY));
        assertSame(Constraint.choice("yes"), SamplingOptions.greedy().logitBias(bans), 20);
        assertEquals("yes", request(drawing, Constraint.choice("yes"), SamplingOptions.greedy().logitBias(bans), 20).generate().text());
    }

    @Test
    void masksAndTokensOfTheCallerInAnyOrder() {
        int vocabulary = drawing.tokenizer().vocabularySize();
        int[][] tokens = new int[2][];
        int[][] texts = new int[2][];
        for (int i = 0; i < 2; i++) {
            SplittableRandom random = new SplittableRandom(17);
            try (Session session = (i == 0 ? drawing : host).newSession()) {
                session.enter();
                TokenRun run = new TokenRun(i == 0 ? drawing : host, session, PROMPT, SamplingOptions.greedy().temperature(1).seed(4), () -> false,
                        ProgressListener.NONE, 100, 0, true);
                for (int token = 0; token < 60; token++) {
                    int kind = random.nextInt(6);
                    int given = random.nextInt(vocabulary);
                    long[] allowed = new long[vocabulary + 63 >>> 6];
                    int bits = kind == 1 ? 1 : 1 + random.nextInt(vocabulary);
                    for (int bit = 0; bit < bits; bit++) {
                        int one = random.nextInt(vocabulary);
                        allowed[one >>> 6] |= 1L << one;
                    }
                    // Redraws are few: after one, all is drawn on the host.
                    boolean again = token > 40 && random.nextInt(8) == 0;
                    switch (kind) {
                        case 2 -> run.force(given);
                        case 3 -> run.draw(draw -> given);
                        case 4 -> run.draw(draw -> draw.among(allowed) < 0 ? 0 : given);
                        default -> run.draw(draw -> {
                            int first = draw.among(allowed);
                            allowed[first >>> 6] &= again ? ~(1L << first) : -1;
                            int second = again ? draw.among(allowed) : first;
                            return second < 0 ? first : second;
                        });
                    }
                }
                tokens[i] = run.tokens().stream().mapToInt(Integer::intValue).toArray();
                texts[i] = session.text().history();
                assertArrayEquals(IntStream.concat(IntStream.of(PROMPT), IntStream.of(tokens[i]).limit(59)).toArray(), texts[i]);
                run.end(FinishReason.MAX_TOKENS);
                session.exit();
            }
        }
        assertArrayEquals(tokens[1], tokens[0]);
        assertTrue(device.ahead > 0);
        assertEquals(0, device.open);
    }

    @Test
    void generationsThatTakeTurnsGetWhatEachGetsAloneAndRunNoStepTwice() {
        SamplingOptions options = SamplingOptions.greedy().temperature(1).repetitionPenalty(1.2f).seed(8);
        UnaryOperator<GenerationRequest> form = request -> request.constraint(WORDS).sampling(o -> options).maxTokens(60);
        List<String> prompts = List.of("one text", "another", "a third");
        List<List<String>> alone = new ArrayList<>();
        List<List<String>> together = new ArrayList<>();
        List<Iterator<String>> running = new ArrayList<>();
        for (String prompt : prompts) {
            try (Stream<String> pieces = form.apply(host.prompt(prompt)).stream()) {
                alone.add(pieces.toList());
            }
            together.add(new ArrayList<>());
            running.add(form.apply(drawing.prompt(prompt)).stream().iterator());
        }
        device.draws = 0;
        device.steps = 0;
        while (running.stream().anyMatch(Iterator::hasNext)) {
            for (int i = 0; i < prompts.size(); i++) {
                if (running.get(i).hasNext()) {
                    together.get(i).add(running.get(i).next());
                }
            }
        }
        assertEquals(alone, together);
        assertTrue(device.steps <= device.draws + 2 * prompts.size(), device.steps + " steps, " + device.draws + " draws");
    }

    @Test
    void aChatThatThinksAndCallsSaysTheSame() {
        Tool now = Tool.of("now", "The time", "{\"type\": \"object\", \"properties\": {}}", arguments -> "12:00");
        for (int seed = 0; seed < 4; seed++) {
            SamplingOptions options = SamplingOptions.greedy().temperature(1.2f).seed(seed);
            List<String> replies = new ArrayList<>();
            for (Gemma4 model : List.of(host, drawing)) {
                try (Chat chat = model.chat().thinking(Thinking.budget(7)).tool(now).maxTokens(60).sampling(o -> options).constraint(OBJECT.untold()).build()) {
                    Reply reply = chat.send("What do you want?");
                    replies.add(reply.thinking() + "|" + reply.text() + "|" + reply.finishReason());
                }
            }
            assertEquals(replies.get(0), replies.get(1));
            assertEquals(0, device.open);
        }
    }

    @Test
    void whatIsCancelledLeavesTheModelUsable() {
        Cancellation cancellation = new Cancellation();
        int[] pieces = {0};
        Generation generation = request(drawing, WORDS, SamplingOptions.greedy(), 60).cancellation(cancellation)
                .stream(piece -> {
                    if (++pieces[0] == 3) {
                        cancellation.cancel();
                    }
                });
        assertEquals(FinishReason.CANCELLED, generation.finishReason());
        assertFalse(generation.text().isEmpty());
        assertEquals(0, device.open);
        assertSame(OBJECT, SamplingOptions.greedy(), 40);
    }

    @Test
    void aLogitThatIsNoNumberEndsTheGenerationWithThatReason() {
        device.failure = DeviceSampler.NOT_A_NUMBER;
        Gemma4Exception e = assertThrows(Gemma4Exception.class, () -> request(drawing, OBJECT, SamplingOptions.greedy(), 40).generate());
        assertTrue(e.getMessage().contains("NaN"), e.getMessage());
        assertEquals(0, device.open);
    }
}
