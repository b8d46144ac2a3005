package io.gemma4j.quantize;

import io.gemma4j.ModelFormatException;
import io.gemma4j.ProgressListener;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.gguf.GgufTensor;
import io.gemma4j.gguf.GgufValueType;
import io.gemma4j.gguf.GgufWriter;
import io.gemma4j.gguf.ParallelContent;
import io.gemma4j.model.Gemma4Config;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes a model file again with smaller block formats. Metadata is kept, each value in the type it has; matrices are converted as a
 * {@link TypeMix} says, with the scales that make the squared error of each block small; all other tensors are copied. Input and output are
 * streamed: memory is a few chunks for each thread, whatever the size of the model.
 *
 * {@snippet :
 * Quantization.of(Path.of("gemma-4-E2B-it-BF16.gguf"), TypeMix.Q4_K_M).write(Path.of("gemma-4-E2B-it-Q4_K_M.gguf"));
 * }
 *
 * <p>Immutable and thread-safe: the setters return a changed copy. The same input and types give the same file, with any number of threads.
 */
public final class Quantization {
    private static final Logger LOG = LoggerFactory.getLogger(Quantization.class);
    private static final String ARCHITECTURE_KEY = "general.architecture";
    /** The version of the block formats; the only one whose blocks are as this library reads and writes them. */
    private static final int FORMAT_VERSION = 2;

    private final Path input;
    private final TypeMix types;
    private final int threads;
    private final ProgressListener progress;

    /**
     * What was written.
     *
     * @param inputBytes size of the input, or of all its parts
     * @param outputBytes size of the output
     * @param tensors number of tensors of each type in the output
     * @param requantized number of tensors that were made from numbers rounded before, to another block format: less exact than from the original
     */
    public record Result(long inputBytes, long outputBytes, Map<GgmlType, Integer> tensors, int requantized) {
        /** Copies the map. */
        public Result {
            tensors = Collections.unmodifiableMap(new TreeMap<>(tensors));
        }
    }

    private Quantization(Path input, TypeMix types, int threads, ProgressListener progress) {
        this.input = input;
        this.types = types;
        this.threads = threads;
        this.progress = progress;
    }

    /**
     * Prepares the quantization of a file, with one thread for each processor.
     *
     * @param input a GGUF file, best in F32, F16 or BF16; of a split model, any of its parts
     * @param types which tensor gets which type
     * @return what {@link #write} runs
     */
    public static Quantization of(Path input, TypeMix types) {
        return new Quantization(Objects.requireNonNull(input, "input"), Objects.requireNonNull(types, "types"),
                Runtime.getRuntime().availableProcessors(), ProgressListener.NONE);
    }

    /**
     * How many threads convert.
     *
     * @param count at least 1
     * @return a changed copy
     * @throws IllegalArgumentException if it is less
     */
    public Quantization threads(int count) {
        if (count < 1) {
            throw new IllegalArgumentException("threads must be at least 1, was " + count);
        }
        return new Quantization(input, types, count, progress);
    }

    /**
     * Who is told how far the work has come, and may abort it.
     *
     * @param listener called by the thread that runs {@link #write}
     * @return a changed copy
     */
    public Quantization progress(ProgressListener listener) {
        return new Quantization(input, types, threads, Objects.requireNonNull(listener, "progress"));
    }

    /**
     * Writes the file under a temporary name beside its place and moves it there at the end, over what was there. Where this throws, nothing is
     * left behind and what was there is unchanged.
     *
     * @param output the file
     * @return what was written
     * @throws IOException if a file cannot be read or written
     * @throws ModelFormatException if the input is damaged, no Gemma 4 model, of a type that cannot be read, or holds a number that the type it is
     *     converted to cannot take, naming tensor and element
     * @throws IllegalArgumentException if the output is the input
     * @throws CancellationException if the progress listener aborts
     */
    public Result write(Path output) throws IOException {
        try (Arena arena = Arena.ofShared()) {
            GgufFile file = GgufFile.open(input, arena);
            requireGemma4(file);
            requireOther(file, output);
            return write(file, output);
        }
    }

    private Result write(GgufFile file, Path output) throws IOException {
        Map<String, GgmlType> targets = types.types(
                file.tensors().stream().map(tensor -> new TypeMix.Tensor(tensor.name(), tensor.type(), tensor.dimensions())).toList());
        Map<GgmlType, Integer> counts = new TreeMap<>();
        int requantized = 0;
        GgufWriter writer = new GgufWriter().putAll(file.metadata())
                .put("general.file_type", GgufValueType.U32, types.fileType())
                .put("general.quantization_version", GgufValueType.U32, FORMAT_VERSION);
        try (ParallelContent content = new ParallelContent(threads, "gemma4j-quantize")) {
            Progress written = new Progress(file);
            for (GgufTensor tensor : file.tensors()) {
                GgmlType target = targets.get(tensor.name());
                counts.merge(target, 1, Integer::sum);
                long[] dimensions = tensor.dimensions().stream().mapToLong(Long::longValue).toArray();
                if (target == tensor.type()) {
                    writer.tensor(tensor.name(), target, dimensions, tensor.bytes());
                } else {
                    requantized += tensor.type().blockElements() > 1 ? 1 : 0;
                    TensorConversion conversion = TensorConversion.of(file.metadata().source(), tensor, target);
                    writer.tensor(tensor.name(), target, dimensions,
                            content.of(target, tensor.elements(), conversion, elements -> written.report(tensor, elements)));
                }
            }
            if (requantized > 0) {
                LOG.warn("{}: {} tensors are quantized already; converting them again loses more than quantizing the original", input, requantized);
            }
            writer.write(output);
        }
        return new Result(file.bytes(), Files.size(output), counts, requantized);
    }

    private static void requireGemma4(GgufFile file) {
        String architecture = file.metadata().string(ARCHITECTURE_KEY);
        if (!architecture.equals(Gemma4Config.ARCHITECTURE)) {
            throw file.metadata().unexpected(ARCHITECTURE_KEY, "'" + Gemma4Config.ARCHITECTURE + "', whose tensors are known",
                    "'" + architecture + "'");
        }
    }

    private static void requireOther(GgufFile file, Path output) throws IOException {
        for (Path part : file.files()) {
            if (Files.exists(output) && Files.isSameFile(part, output)) {
                throw new IllegalArgumentException(output + ": expected another file than the input to write to, found the input");
            }
        }
    }

    /** Counts converted weights; tensors that are copied take next to no time. */
    private final class Progress {
        private final Map<String, Long> before = new TreeMap<>();
        private long total;

        Progress(GgufFile file) {
            for (GgufTensor tensor : file.tensors()) {
                before.put(tensor.name(), total);
                total += tensor.elements();
            }
        }

        void report(GgufTensor tensor, long elements) {
            if (!progress.onProgress(ProgressListener.Stage.QUANTIZE, before.get(tensor.name()) + elements, total)) {
                throw new CancellationException("quantizing was aborted by the progress listener");
            }
        }
    }
}
