package io.gemma4j;

import io.gemma4j.model.DrawnTokens;
import java.util.function.BooleanSupplier;

/** Tokens drawn on the device, a step ahead of the caller. */
final class DeviceDraw implements TokenDraw {
    private final SessionText text;
    private final DrawnTokens drawn;
    private final BooleanSupplier cancelled;
    private boolean taken;

    /** Takes over {@code drawn}. */
    DeviceDraw(SessionText text, DrawnTokens drawn, BooleanSupplier cancelled) {
        this.text = text;
        this.drawn = drawn;
        this.cancelled = cancelled;
    }

    /** A device that is a step ahead has added the token it drew itself. */
    @Override
    public void feed(int[] tokens, ProgressListener progress) {
        taken = false;
        if (drawn.isEmpty()) {
            text.feed(tokens, drawn, cancelled, progress);
        }
    }

    @Override
    public int draw(long[] allowed, boolean ahead) {
        if (ahead) {
            text.queueNext(drawn, cancelled);
        }
        taken = true;
        return text.take(drawn);
    }

    @Override
    public void skip() {
        if (!taken) {
            taken = true;
            text.take(drawn);
        }
    }

    @Override
    public void close() {
        drawn.close();
    }
}
