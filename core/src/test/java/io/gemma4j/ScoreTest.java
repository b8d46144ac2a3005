package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(240)
class ScoreTest {
    private static final double TOLERANCE = 2e-3;

    static Stream<Fixture> fixtures() {
        return Stream.of(MiniModels.DENSE, MiniModels.ELASTIC, MiniModels.MOE);
    }

    private static double logSoftmax(float[] logits, int token) {
        double max = IntStream.range(0, logits.length).mapToDouble(i -> logits[i]).max().orElseThrow();
        return logits[token] - max - Math.log(IntStream.range(0, logits.length).mapToDouble(i -> Math.exp(logits[i] - max)).sum());
    }

    @ParameterizedTest
    @MethodSource("fixtures")
    void scoresAreTheLogSoftmaxOfTheReference(Fixture fixture) throws Exception {
        try (Gemma4 model = MiniModels.load(fixture, o -> o.kvType(KvType.F32).prefillTokens(7))) {
            int compared = 0;
            for (Fixture.Prompt prompt : fixture.prompts()) {
                int[] ids = prompt.ids();
                if (ids.length < 2) {
                    continue;
                }
                Score score = model.score(Arrays.copyOf(ids, 1), Arrays.copyOfRange(ids, 1, ids.length), 3);
                assertEquals(IntStream.of(ids).skip(1).boxed().toList(), score.tokens().stream().map(TokenScore::token).toList());
                for (int i = 0; i < prompt.positions().length; i++) {
                    int position = prompt.positions()[i];
                    if (position + 1 < ids.length) {
                        TokenScore token = score.tokens().get(position);
                        float[] logits = prompt.logits()[i];
                        assertEquals(logSoftmax(logits, token.token()), token.logprob(), TOLERANCE);
                        for (TokenLogprob likely : token.top()) {
                            assertEquals(logSoftmax(logits, likely.token()), likely.logprob(), TOLERANCE);
                        }
                        compared++;
                    }
                }
                double sum = score.tokens().stream().mapToDouble(TokenScore::logprob).sum();
                assertEquals(sum, score.logLikelihood());
                assertEquals(Math.exp(-sum / (ids.length - 1)), score.perplexity(), 1e-9 * score.perplexity());
            }
            assertTrue(compared > 5, compared + " places compared");
        }
    }

    @Test
    void aTextIsScoredAsItsTokens() throws Exception {
        try (Gemma4 model = MiniModels.dense()) {
            Score texts = model.score("Hello", " world");
            Score tokens = model.score(model.tokenizer().encode("Hello"), model.tokenizer().encode(" world", false), 0);
            assertEquals(tokens, texts);
            assertEquals(List.of(), texts.tokens().getFirst().top());
            assertTrue(model.score("", "a").logLikelihood() < 0);
            assertThrows(IllegalArgumentException.class, () -> model.score("a", ""));
            assertThrows(IllegalArgumentException.class, () -> model.score(new int[0], new int[] {5}, 0));
            assertThrows(IllegalArgumentException.class, () -> model.score(new int[] {2}, new int[] {5}, -1));
            assertThrows(ContextOverflowException.class, () -> model.score("a ".repeat(200), "b ".repeat(200)));
            assertEquals(0, model.openSessions());
        }
    }
}
