package io.gemma4j.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.Backend;
import io.gemma4j.Gemma4;
import io.gemma4j.KvType;
import io.gemma4j.LoadOptions;
import io.gemma4j.SamplingOptions;
import io.gemma4j.Session;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Single tokens far into a text and around the places where windows, tiles of keys and their splits end, against the processor. */
@Gpu
class CudaLongTextTest {
    private static final int LONGEST = 4096;
    private static final int GENERATED = 2000;
    private static final int COMPARED_EVERY = 100;
    // Far enough for several tiles of codes behind a tail.
    private static final int COMPRESSED_GENERATED = 400;
    /** Inputs of products rounded to 8 bits, through all layers. */
    private static final double BOUND = 1e-1;

    private static Gemma4 load(GoldenModel golden, Backend backend) throws IOException {
        return load(golden, backend, KvType.F16);
    }

    private static Gemma4 load(GoldenModel golden, Backend backend, KvType kv) throws IOException {
        return Gemma4.load(golden.file(), LoadOptions.defaults().backend(backend).kvType(kv).contextTokens(LONGEST).prefillTokens(512));
    }

    /** Logits after those of {@code tokens} whose number, from 1 on, is in {@code numbers}; the processor rounds no input of several tokens. */
    private static Map<Integer, float[]> onProcessor(GoldenModel golden, int[] tokens, SortedSet<Integer> numbers) throws IOException {
        Map<Integer, float[]> logits = new HashMap<>();
        try (Gemma4 model = load(golden, Backend.CPU); Session session = model.newSession()) {
            int[] number = {0};
            session.feed(Arrays.copyOf(tokens, numbers.last()), after -> {
                if (numbers.contains(++number[0])) {
                    logits.put(number[0], after.toArray());
                }
            });
        }
        return logits;
    }

    private static void assertNear(float[] expected, float[] actual, String what) {
        double error = GoldenModel.relativeL2(actual, expected);
        assertTrue(error <= BOUND, what + ": relative L2 " + error + ", at most " + BOUND);
    }

    @TestFactory
    Stream<DynamicTest> contextsOfEveryLength() {
        return GoldenModel.bundled().map(golden -> DynamicTest.dynamicTest(golden.toString(), () -> {
            int window = golden.window();
            SortedSet<Integer> contexts = new TreeSet<>(List.of(1, 63, 64, 65, window - 1, window, window + 1, LONGEST));
            int vocabulary = golden.prompts().getFirst().logits()[0].length;
            int[] tokens = new Random(window).ints(LONGEST, 0, vocabulary).toArray();
            Map<Integer, float[]> expected = onProcessor(golden, tokens, contexts);
            try (Gemma4 model = load(golden, Backend.CUDA); Session session = model.newSession()) {
                for (int context : contexts) {
                    int before = context - 1 - session.tokens();
                    if (before > 0) {
                        session.feed(Arrays.copyOfRange(tokens, session.tokens(), context - 1));
                    }
                    assertNear(expected.get(context), session.feed(tokens[context - 1]).logits().toArray(), "context of " + context);
                }
            }
        }));
    }

    @TestFactory
    Stream<DynamicTest> aLongGreedyTextDoesNotDrift() {
        return GoldenModel.bundled().map(golden -> DynamicTest.dynamicTest(golden.toString(), () -> {
            int[] prompt = golden.prompts().getLast().ids();
            int[] text = Arrays.copyOf(prompt, prompt.length + GENERATED);
            try (Gemma4 model = load(golden, Backend.CUDA); Session session = model.newSession(); Session again = model.newSession()) {
                List<Integer> drawn = new ArrayList<>();
                session.feed(prompt).generate(SamplingOptions.greedy(), GENERATED, drawn::add);
                for (int i = 0; i < GENERATED; i++) {
                    text[prompt.length + i] = drawn.get(i);
                }
                SortedSet<Integer> numbers = new TreeSet<>();
                for (int number = prompt.length; number <= text.length; number += COMPARED_EVERY) {
                    numbers.add(number);
                }
                Map<Integer, float[]> expected = onProcessor(golden, text, numbers);
                float[] logits = again.feed(prompt).logits().toArray();
                int far = 0;
                for (int number = prompt.length; number < numbers.last(); number++) {
                    if (numbers.contains(number)) {
                        far += GoldenModel.relativeL2(logits, expected.get(number)) <= BOUND ? 0 : 1;
                    }
                    assertEquals(mostLikely(logits), text[number], "token drawn after " + number);
                    logits = again.feed(text[number]).logits().toArray();
                }
                // Of two experts that score almost the same, rounding may choose the other one: that text is off for a token, and no further.
                int most = golden.hasExperts() ? numbers.size() / 5 : 0;
                assertTrue(far <= most, far + " of " + numbers.size() + " logits are farther than " + BOUND + " from those of the processor");
            }
        }));
    }

    @TestFactory
    Stream<DynamicTest> drawnTextsOverCompressedCachesAreWhatFedOnesPredict() {
        return GoldenModel.bundled().flatMap(golden -> Stream.of(KvType.Q8_0, KvType.TQ4).map(kv -> DynamicTest.dynamicTest(golden + ", " + kv, () -> {
            int[] prompt = golden.prompts().getLast().ids();
            try (Gemma4 model = load(golden, Backend.CUDA, kv); Session session = model.newSession(); Session again = model.newSession()) {
                List<Integer> drawn = new ArrayList<>();
                session.feed(prompt).generate(SamplingOptions.greedy(), COMPRESSED_GENERATED, drawn::add);
                float[] logits = again.feed(prompt).logits().toArray();
                for (int i = 0; i < COMPRESSED_GENERATED; i++) {
                    assertEquals(mostLikely(logits), drawn.get(i), "token drawn after " + (prompt.length + i));
                    logits = again.feed(drawn.get(i)).logits().toArray();
                }
            }
        })));
    }

    private static int mostLikely(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            best = logits[i] > logits[best] ? i : best;
        }
        return best;
    }
}
