package io.gemma4j;

import io.gemma4j.sampling.Sampler;
import java.util.function.BooleanSupplier;

/** Tokens drawn from the logits of each step. */
final class HostDraw implements TokenDraw {
    private final SessionText text;
    private final Sampler sampler;
    private final BooleanSupplier cancelled;

    HostDraw(SessionText text, Sampler sampler, BooleanSupplier cancelled) {
        this.text = text;
        this.sampler = sampler;
        this.cancelled = cancelled;
    }

    @Override
    public void feed(int[] tokens, ProgressListener progress) {
        text.feed(tokens, cancelled, progress);
    }

    @Override
    public int draw(long[] allowed, boolean ahead) {
        return allowed == null ? sampler.sample(text.lastLogits()) : sampler.sample(text.lastLogits(), allowed);
    }

    @Override
    public void skip() {}

    @Override
    public void close() {}
}
