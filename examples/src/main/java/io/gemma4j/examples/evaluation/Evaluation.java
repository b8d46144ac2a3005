package io.gemma4j.examples.evaluation;

import io.gemma4j.Gemma4;
import io.gemma4j.Session;
import io.gemma4j.tokenizer.Tokenizer;
import java.util.Arrays;

/**
 * Continues prompts greedily and compares. One case after the other: the steps of several sessions would take turns on the device, so more at a
 * time would not be done sooner. One thread at a time; the session it keeps belongs to it, the model to the caller.
 */
public final class Evaluation implements AutoCloseable {
    private final Tokenizer tokenizer;
    private final RenderedPrompt rendered;
    private final Session session;

    /**
     * How one case went.
     *
     * @param evaluationCase what was asked
     * @param output the generated text, control tokens written out, without the one that ended it
     * @param ended whether it ended by itself within the tokens allowed
     * @param passed whether it ended and is right
     */
    public record Result(EvaluationCase evaluationCase, String output, boolean ended, boolean passed) {}

    /** Opens a session of the model. */
    public Evaluation(Gemma4 model) {
        this.tokenizer = model.tokenizer();
        this.rendered = new RenderedPrompt(tokenizer);
        this.session = model.newSession();
    }

    /**
     * Runs one case.
     *
     * @throws io.gemma4j.ContextOverflowException if the prompt does not fit the context
     * @throws java.util.concurrent.CancellationException if the thread is interrupted
     */
    public Result run(EvaluationCase evaluationCase) {
        session.clear();
        session.feed(rendered.tokens(evaluationCase.prompt()));
        int[] output = new int[evaluationCase.maxTokens()];
        int tokens = 0;
        int next = session.logits().argmax();
        while (!tokenizer.isEndOfGeneration(next) && tokens < output.length - 1) {
            output[tokens++] = next;
            next = session.feed(next).logits().argmax();
        }
        boolean ended = tokenizer.isEndOfGeneration(next);
        if (!ended) {
            output[tokens++] = next;
        }
        String text = tokenizer.decode(Arrays.copyOf(output, tokens), true);
        return new Result(evaluationCase, text, ended, ended && evaluationCase.match().passes(text, evaluationCase.expected()));
    }

    @Override
    public void close() {
        session.close();
    }
}
