package io.gemma4j;

import io.gemma4j.backend.ModelBackend;
import io.gemma4j.backend.Weight;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.tensor.QuantizedTensor;
import java.util.concurrent.CancellationException;
import java.util.function.Function;

/** Counts the bytes that have been made available. */
final class WeightUpload implements Function<QuantizedTensor, Weight> {
    private final ModelBackend backend;
    private final ProgressListener progress;
    private final long totalBytes;
    private long doneBytes;

    WeightUpload(ModelBackend backend, GgufFile file, ProgressListener progress) {
        this.backend = backend;
        this.progress = progress;
        this.totalBytes = file.tensors().stream().mapToLong(tensor -> tensor.bytes().byteSize()).sum();
    }

    @Override
    public Weight apply(QuantizedTensor tensor) {
        Weight weight = backend.upload(tensor);
        report(Math.min(totalBytes, doneBytes + tensor.bytes()));
        return weight;
    }

    /** Tensors that are never uploaded, being small or unused, count as done now. */
    void finish() {
        report(totalBytes);
    }

    private void report(long bytes) {
        doneBytes = bytes;
        if (!progress.onProgress(ProgressListener.Stage.LOAD, doneBytes, totalBytes)) {
            throw new CancellationException("loading was aborted by the progress listener");
        }
    }
}
