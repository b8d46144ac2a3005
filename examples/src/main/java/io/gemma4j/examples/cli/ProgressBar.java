package io.gemma4j.examples.cli;

import io.gemma4j.ProgressListener;
import java.io.PrintStream;
import java.util.function.BooleanSupplier;

/** A line that shows how far something has come and vanishes when it is done. One thread at a time. */
final class ProgressBar implements ProgressListener, AutoCloseable {
    private static final int CELLS = 30;

    private final PrintStream err;
    private final boolean visible;
    private final BooleanSupplier aborted;
    private String shown = "";

    /** @param aborted whether what reports its progress is to stop */
    ProgressBar(StandardStreams streams, BooleanSupplier aborted) {
        this.err = streams.err();
        this.visible = streams.showProgress();
        this.aborted = aborted;
    }

    @Override
    public boolean onProgress(Stage stage, long done, long total) {
        show(switch (stage) {
            case LOAD -> "loading the model";
            case PREFILL -> "reading the prompt";
            case QUANTIZE -> "quantizing";
        }, done, total);
        return !aborted.getAsBoolean();
    }

    /** Draws how much of something is done; nothing once all of it is. */
    void show(String doing, long done, long total) {
        if (visible) {
            show(done == total ? "" : line(doing, (int) (100 * done / total)));
        }
    }

    private static String line(String doing, int percent) {
        int filled = CELLS * percent / 100;
        return "%-18s [%s%s] %3d %%".formatted(doing, "#".repeat(filled), ".".repeat(CELLS - filled), percent);
    }

    private void show(String line) {
        if (!line.equals(shown)) {
            err.print("\r" + " ".repeat(shown.length()) + "\r" + line);
            err.flush();
            shown = line;
        }
    }

    @Override
    public void close() {
        show("");
    }
}
