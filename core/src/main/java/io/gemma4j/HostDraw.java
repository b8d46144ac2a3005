package io.gemma4j;

import io.gemma4j.sampling.Sampler;
import java.util.function.BooleanSupplier;

/** Tokens drawn from the logits of each step. */
final class HostDraw implements TokenDraw {
    private final Session session;
    private final Sampler sampler;
    private final BooleanSupplier cancelled;

    HostDraw(Session session, Sampler sampler, BooleanSupplier cancelled) {
        this.session = session;
        this.sampler = sampler;
        this.cancelled = cancelled;
    }

    @Override
    public void feed(int[] tokens, ProgressListener progress) {
        session.feed(tokens, cancelled, progress);
    }

    @Override
    public int draw(long[] allowed, boolean ahead) {
        return allowed == null ? sampler.sample(session.lastLogits()) : sampler.sample(session.lastLogits(), allowed);
    }

    @Override
    public void skip() {}

    @Override
    public void close() {}
}
