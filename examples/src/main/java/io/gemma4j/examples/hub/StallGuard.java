package io.gemma4j.examples.hub;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;

/** A stream that fails when its source has sent nothing for some time, instead of waiting for ever. One reader. */
final class StallGuard extends FilterInputStream {
    private final Duration patience;
    private final Thread watch;
    private volatile long lastNanos = System.nanoTime();
    private volatile boolean waiting;
    private volatile boolean stalled;

    StallGuard(InputStream source, Duration patience) {
        super(source);
        this.patience = patience;
        this.watch = Thread.ofVirtual().name("gemma4j-stall-guard").start(this::watch);
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        lastNanos = System.nanoTime();
        waiting = true;
        try {
            int read = super.read(bytes, offset, length);
            if (stalled) {
                throw new IOException("nothing came for " + patience.toSeconds() + " seconds");
            }
            return read;
        } finally {
            waiting = false;
        }
    }

    private void watch() {
        try {
            while (!stalled) {
                Thread.sleep(patience.dividedBy(4).plusMillis(1));
                if (waiting && System.nanoTime() - lastNanos > patience.toNanos()) {
                    stalled = true;
                    in.close();
                }
            }
        } catch (InterruptedException | IOException e) {
            Thread.currentThread().interrupt(); // the reader is done, or finds the stream closed
        }
    }

    @Override
    public void close() throws IOException {
        watch.interrupt();
        super.close();
    }
}
