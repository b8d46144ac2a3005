package io.gemma4j.bench.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SpeedTestTest {
    private static final int VOCABULARY = 100;

    /** Writes down what it is asked for. */
    private static final class Recorder implements Engine {
        private final List<String> calls = new ArrayList<>();

        @Override
        public String name() {
            return "recorder";
        }

        @Override
        public String description() {
            return "";
        }

        @Override
        public void clear() {
            calls.add("clear");
        }

        @Override
        public void feed(int[] tokens) {
            record("feed", tokens);
        }

        @Override
        public void generate(int[] tokens) {
            record("generate", tokens);
        }

        private void record(String what, int[] tokens) {
            for (int token : tokens) {
                assertTrue(token >= 0 && token < VOCABULARY, what + " " + token);
            }
            calls.add(what + " " + tokens.length);
        }

        @Override
        public void close() {}
    }

    private static List<String> calls(SpeedTest test) {
        Recorder engine = new Recorder();
        assertTrue(test.seconds(engine, VOCABULARY) >= 0);
        return engine.calls;
    }

    @Test
    void theSequenceBeforeAGenerationEndsWithGeneratedTokens() {
        assertEquals(List.of("clear", "feed 992", "generate 8", "generate 64"), calls(new SpeedTest(true, 64, 1000)));
        assertEquals(List.of("clear", "generate 5", "generate 64"), calls(new SpeedTest(true, 64, 5)));
        assertEquals(List.of("clear", "generate 64"), calls(new SpeedTest(true, 64, 0)));
    }

    @Test
    void thatBeforeAPromptIsRead() {
        assertEquals(List.of("clear", "feed 1000", "feed 512"), calls(new SpeedTest(false, 512, 1000)));
        assertEquals(List.of("clear", "feed 512"), calls(new SpeedTest(false, 512, 0)));
    }
}
