package io.gemma4j.model;

import io.gemma4j.CpuKernels;
import io.gemma4j.Fixture;
import io.gemma4j.KvType;
import io.gemma4j.backend.BackendOptions;
import io.gemma4j.backend.BackendProvider;
import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.backend.Step.LogitRows;
import io.gemma4j.backend.Step;
import io.gemma4j.backend.cpu.CpuBackendProvider;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.tensor.QuantizedTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;

/**
 * A decoder over a model file and what it uploaded to its backend. Scalar kernels give the same bits every time; vector kernels are faster, but
 * may sum in an order that depends on what has been compiled.
 */
final class OpenModel implements AutoCloseable {
    final Gemma4Config config;
    final Gemma4Decoder decoder;
    final Gemma4Weights weights;
    final List<QuantizedTensor> uploads = new ArrayList<>();
    private final ModelBackend backend;

    /**
     * Opens a model.
     *
     * @param decorate what stands between the decoder and the CPU backend
     */
    OpenModel(GgufFile file, int maxStepRows, UnaryOperator<ModelBackend> decorate) {
        this(file, maxStepRows, CpuKernels.SCALAR, decorate);
    }

    private OpenModel(GgufFile file, int maxStepRows, CpuKernels kernels, UnaryOperator<ModelBackend> decorate) {
        config = Gemma4Config.of(file);
        backend = decorate.apply(cpu(kernels));
        try {
            weights = Gemma4Weights.of(file, config, tensor -> {
                uploads.add(tensor);
                return backend.upload(tensor);
            });
            decoder = new Gemma4Decoder(config, weights, backend, maxStepRows);
        } catch (RuntimeException e) {
            backend.close();
            throw e;
        }
    }

    static OpenModel of(RewrittenModel model, int maxStepRows) {
        return new OpenModel(model.file(), maxStepRows, UnaryOperator.identity());
    }

    /** On vector kernels. */
    static OpenModel fast(RewrittenModel model, int maxStepRows) {
        return new OpenModel(model.file(), maxStepRows, CpuKernels.VECTOR, UnaryOperator.identity());
    }

    private static ModelBackend cpu(CpuKernels kernels) {
        try {
            return new CpuBackendProvider().open(new BackendOptions(2, kernels));
        } catch (BackendProvider.UnavailableException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The logits after each token, taken in steps of up to as many rows as are possible. */
    float[][] logits(int[] tokens) {
        try (KvCache cache = decoder.newCache(tokens.length, KvType.F32)) {
            return feed(cache, tokens, LogitRows.ALL);
        }
    }

    /** The logits of the rows that want some. */
    float[][] feed(KvCache cache, int[] tokens, LogitRows wanted) {
        List<float[]> rows = new ArrayList<>();
        for (int from = 0; from < tokens.length; from += decoder.maxStepRows()) {
            int to = Math.min(tokens.length, from + decoder.maxStepRows());
            rows.addAll(run(Step.of(cache, Arrays.copyOfRange(tokens, from, to), wanted)));
        }
        return rows.toArray(float[][]::new);
    }

    List<float[]> run(Step step) {
        List<float[]> rows = new ArrayList<>();
        decoder.run(step, () -> false, (_, logits) -> rows.add(logits.clone()));
        return rows;
    }

    int[] randomTokens(int count, long seed) {
        return new Random(seed).ints(count, 0, config.vocabulary()).toArray();
    }

    /** The largest {@link Fixture#relativeL2} of any row. */
    static double worst(float[][] actual, float[][] expected) {
        if (actual.length != expected.length) {
            throw new AssertionError(actual.length + " rows instead of " + expected.length);
        }
        double worst = 0;
        for (int row = 0; row < expected.length; row++) {
            double error = Fixture.relativeL2(actual[row], expected[row]);
            worst = Double.isNaN(error) ? Double.POSITIVE_INFINITY : Math.max(worst, error);
        }
        return worst;
    }

    @Override
    public void close() {
        backend.close();
    }
}
