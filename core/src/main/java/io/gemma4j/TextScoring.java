package io.gemma4j;

import io.gemma4j.sampling.Sampler;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** How likely a model finds given tokens. */
final class TextScoring {
    private TextScoring() {}

    /**
     * Scores the tokens of {@code continuation} after those of {@code prompt}.
     *
     * @param top how many of the most likely tokens to tell at each place
     */
    static Score score(Gemma4 model, int[] prompt, int[] continuation, int top) {
        if (prompt.length == 0 || continuation.length == 0) {
            throw new IllegalArgumentException("the prompt and the continuation must have at least 1 token, had " + prompt.length + " and "
                    + continuation.length);
        }
        if (top < 0) {
            throw new IllegalArgumentException("top must be at least 0, was " + top);
        }
        Sampler sampler = new Sampler(SamplingOptions.greedy(), model.tokenizer().vocabularySize());
        List<TokenScore> scores = new ArrayList<>();
        try (Session session = model.sessions().openOneWay(prompt.length + continuation.length - 1)) {
            session.feed(prompt);
            session.enter();
            try {
                scores.add(sampler.score(session.text().lastLogits(), continuation[0], top));
                if (continuation.length > 1) {
                    session.text().feedAll(Arrays.copyOf(continuation, continuation.length - 1),
                            (row, logits) -> scores.add(sampler.score(logits, continuation[scores.size()], top)));
                }
            } finally {
                session.exit();
            }
        }
        return new Score(scores);
    }
}
