package io.gemma4j;

/** Is told how far something long has come, by the thread that does it, and may abort it. */
@FunctionalInterface
public interface ProgressListener {
    /** Listens to nothing. */
    ProgressListener NONE = (stage, done, total) -> true;

    /** What is going on. */
    enum Stage {
        /** Weights are being made available to the backend; counted in bytes. */
        LOAD,
        /** A prompt is being processed; counted in tokens. */
        PREFILL,
        /** A file is being quantized; counted in weights. */
        QUANTIZE
    }

    /**
     * Takes a report.
     *
     * @param stage what is going on
     * @param done bytes, tokens or weights done
     * @param total bytes, tokens or weights in all
     * @return false to abort: loading and quantizing throw {@link java.util.concurrent.CancellationException}, a generation ends with
     *     {@link FinishReason#CANCELLED}
     */
    boolean onProgress(Stage stage, long done, long total);
}
