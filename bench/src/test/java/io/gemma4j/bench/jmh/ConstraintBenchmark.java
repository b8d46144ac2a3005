package io.gemma4j.bench.jmh;

import io.gemma4j.SamplingOptions;
import io.gemma4j.bench.synth.SyntheticModel;
import io.gemma4j.chat.Json;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.grammar.Grammar;
import io.gemma4j.grammar.GrammarMatcher;
import io.gemma4j.grammar.TokenTrie;
import io.gemma4j.sampling.Sampler;
import io.gemma4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What a constraint adds to a token of an answer: its mask, and a draw among what it allows. Figures are for one token. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(value = 1, jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
public class ConstraintBenchmark {
    private static final int TOKENS = 64;

    /** The form and an answer that has it. */
    public enum Form {
        /** An object of strings, numbers and a list. */
        SCHEMA("""
                {"type": "object", "properties": {"name": {"type": "string"}, "email": {"type": "string", "maxLength": 60}, "age": {"type": "integer",
                "minimum": 0, "maximum": 150}, "tags": {"type": "array", "items": {"type": "string"}}, "address": {"type": "object", "properties":
                {"street": {"type": "string"}, "city": {"type": "string"}, "country": {"enum": ["NO", "SE", "DK"]}}, "required": ["street", "city"]},
                "note": {"type": ["string", "null"]}}, "required": ["name", "email", "age", "tags", "address"]}"""),
        /** Any JSON. */
        ANY_JSON("true");

        private final String schema;

        Form(String schema) {
            this.schema = schema;
        }
    }

    private static final String ANSWER = """
            {"name": "Kari Nordmann", "email": "kari.nordmann@example.com", "age": 42, "tags": ["customer", "newsletter", "early adopter", "speaks \\"nynorsk\\""],
            "address": {"street": "Karl Johans gate 22", "city": "Oslo", "country": "NO"}, "note": "Prefers to be called in the morning, before ten."}"""
            .replace(",\n", ", ");

    /** The form of the answer. */
    @Param({"SCHEMA", "ANY_JSON"})
    public Form form;

    /** A file with the vocabulary; without one, a synthetic vocabulary of the published size. */
    @Param("")
    public String vocabulary;

    private TokenTrie trie;
    private Grammar warm;
    private int[] tokens;
    private long[][] masks;
    private float[] logits;
    private Sampler sampler;

    /** Reads the vocabulary and checks that the answer has the form. */
    @Setup(Level.Trial)
    public void open() throws IOException {
        Tokenizer tokenizer = tokenizer();
        trie = new TokenTrie(tokenizer);
        tokens = tokenizer.encode(ANSWER, false);
        Expected.require(tokens.length >= TOKENS, "at least " + TOKENS + " tokens", tokens.length);
        tokens = Arrays.copyOf(tokens, TOKENS);
        warm = grammar();
        masks = new long[TOKENS][];
        GrammarMatcher matcher = new GrammarMatcher(warm, trie);
        for (int i = 0; i < TOKENS; i++) {
            masks[i] = matcher.allowed();
            matcher.accept(tokens[i]);
        }
        logits = new float[tokenizer.vocabularySize()];
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) (3 * random.nextGaussian());
        }
        sampler = new Sampler(SamplingOptions.defaults().seed(1), logits.length);
    }

    private Tokenizer tokenizer() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            if (!vocabulary.isEmpty()) {
                return Tokenizer.of(GgufFile.open(Path.of(vocabulary), arena).metadata());
            }
            Path file = Files.createTempFile("vocabulary", ".gguf");
            try {
                SyntheticModel.writeVocabulary(file);
                return Tokenizer.of(GgufFile.open(file, arena).metadata());
            } finally {
                Files.delete(file);
            }
        }
    }

    private Grammar grammar() {
        return Grammar.ofJsonSchema(Json.read(form.schema));
    }

    private long answer(Grammar grammar) {
        GrammarMatcher matcher = new GrammarMatcher(grammar, trie);
        long allowed = 0;
        for (int token : tokens) {
            allowed += matcher.allowed()[0];
            Expected.require(matcher.fits(token, 4096), "room for the token", token);
            matcher.accept(token);
        }
        return allowed;
    }

    /** A token of the first answer of a constraint: masks are made, and the schema is read. */
    @Benchmark
    @OperationsPerInvocation(TOKENS)
    public long firstAnswer() {
        return answer(grammar());
    }

    /** A token of a later answer: masks are there. */
    @Benchmark
    @OperationsPerInvocation(TOKENS)
    public long laterAnswer() {
        return answer(warm);
    }

    /** A draw among the tokens of a mask. */
    @Benchmark
    @OperationsPerInvocation(TOKENS)
    public long constrainedDraw() {
        long sum = 0;
        for (long[] mask : masks) {
            sum += sampler.sample(logits, mask);
        }
        return sum;
    }

    /** A draw among all tokens, which every answer needs. */
    @Benchmark
    public int freeDraw() {
        return sampler.sample(logits);
    }
}
