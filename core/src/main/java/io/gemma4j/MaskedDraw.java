package io.gemma4j;

import io.gemma4j.model.MaskedTokens;
import java.util.function.BooleanSupplier;

/**
 * Tokens drawn on the device among those that the caller allows. The step of a token runs while the caller makes up its mind about the token after it.
 * A token that is drawn again shows that the text comes to its end: from then on tokens are drawn from the logits.
 */
final class MaskedDraw implements TokenDraw {
    private final SessionText text;
    private final MaskedTokens device;
    private final HostDraw host;
    private final BooleanSupplier cancelled;
    private boolean onHost;

    /** Takes over {@code device}. */
    MaskedDraw(SessionText text, MaskedTokens device, HostDraw host, BooleanSupplier cancelled) {
        this.text = text;
        this.device = device;
        this.host = host;
        this.cancelled = cancelled;
    }

    @Override
    public void feed(int[] tokens, ProgressListener progress) {
        if (onHost) {
            host.feed(tokens, progress);
        } else {
            text.feed(tokens, device, cancelled, progress);
        }
    }

    @Override
    public int draw(long[] allowed, boolean ahead) {
        if (!onHost && device.isEmpty()) {
            onHost = true;
            device.close();
            text.repeatLast(cancelled);
        }
        return onHost ? host.draw(allowed, ahead) : text.draw(device, allowed, ahead, cancelled);
    }

    @Override
    public void skip() {
        if (!onHost && !device.isEmpty()) {
            text.skip(device, cancelled);
        }
    }

    @Override
    public void close() {
        device.close();
    }
}
