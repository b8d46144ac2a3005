package io.gemma4j.bench.jmh;

import io.gemma4j.bench.synth.SyntheticModel;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Text to tokens and back, with a vocabulary of the published size. */
@State(Scope.Benchmark)
@BenchmarkMode({Mode.Throughput, Mode.AverageTime})
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(1)
public class TokenizerBenchmark {
    /** Characters of the text. */
    @Param({"200", "100000"})
    public int characters;

    private Tokenizer tokenizer;
    private String text;
    private long textBytes;
    private int[] ids;

    /** Makes vocabulary and text, and checks that the text survives. */
    @Setup(Level.Trial)
    public void open() throws IOException {
        Path file = Files.createTempFile("vocabulary", ".gguf");
        try (Arena arena = Arena.ofConfined()) {
            SyntheticModel.writeVocabulary(file);
            tokenizer = Tokenizer.of(GgufFile.open(file, arena).metadata());
        } finally {
            Files.delete(file);
        }
        SplittableRandom random = new SplittableRandom(1);
        StringBuilder words = new StringBuilder();
        while (words.length() < characters) {
            int letters = random.nextInt(1, 10);
            random.ints(letters, 'a', 'z' + 1).forEach(words::appendCodePoint);
            words.append(random.nextInt(12) == 0 ? ".\n" : " ");
        }
        text = words.substring(0, characters);
        textBytes = text.getBytes(StandardCharsets.UTF_8).length;
        ids = tokenizer.encode(text, false);
        Expected.require(tokenizer.decode(ids).equals(text), "the text after encoding and decoding", "another");
    }

    /** Text to tokens. */
    @Benchmark
    public int[] encode(Bytes bytes) {
        bytes.add(textBytes);
        return tokenizer.encode(text, false);
    }

    /** Tokens to text. */
    @Benchmark
    public String decode(Bytes bytes) {
        bytes.add(textBytes);
        return tokenizer.decode(ids);
    }
}
