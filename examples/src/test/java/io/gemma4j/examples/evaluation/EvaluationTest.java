package io.gemma4j.examples.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gemma4j.CpuKernels;
import io.gemma4j.Gemma4;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.gguf.GgufTensor;
import io.gemma4j.gguf.GgufValueType;
import io.gemma4j.gguf.GgufWriter;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a model that says {@code 6} whatever comes before, and on the same with that token and {@code <eos>} exchanged, so that it ends at once. */
class EvaluationTest {
    private static final Path MODEL = Path.of("../core/src/test/resources/fixtures/dense-mini-Q4_K_M.gguf");
    private static final int SIX = 309;

    @TempDir
    Path folder;

    private static EvaluationCase asked(int maxTokens, String match, String expected) {
        return new EvaluationCase("s", "<bos>Hi", maxTokens, Match.of(match).orElseThrow(), expected);
    }

    private Path endingModel() throws Exception {
        try (Arena arena = Arena.ofConfined()) {
            GgufFile file = GgufFile.open(MODEL, arena);
            List<String> tokens = new ArrayList<>(file.metadata().strings("tokenizer.ggml.tokens"));
            List<Object> types = new ArrayList<>((List<?>) file.metadata().asMap().get("tokenizer.ggml.token_type"));
            int eos = tokens.indexOf("<eos>");
            Collections.swap(tokens, SIX, eos);
            Collections.swap(types, SIX, eos);
            GgufWriter writer = new GgufWriter().putAll(file.metadata()).putArray("tokenizer.ggml.tokens", tokens, GgufValueType.STRING)
                    .putArray("tokenizer.ggml.token_type", types, GgufValueType.I32).put("tokenizer.ggml.eos_token_id", GgufValueType.U32, SIX);
            for (GgufTensor tensor : file.tensors()) {
                writer.tensor(tensor.name(), tensor.type(), tensor.dimensions().stream().mapToLong(Long::longValue).toArray(), tensor.bytes());
            }
            return writer.write(folder.resolve("ending.gguf")).getFirst();
        }
    }

    private static Evaluation.Result run(Path model, EvaluationCase asked) throws Exception {
        try (Gemma4 loaded = Gemma4.load(model, o -> o.cpuKernels(CpuKernels.SCALAR).threads(2)); Evaluation evaluation = new Evaluation(loaded)) {
            evaluation.run(asked(3, "exact", "6")); // nothing of an earlier case is left
            return evaluation.run(asked);
        }
    }

    @Test
    void whatEndsByItselfAndMatchesPasses() throws Exception {
        Path model = endingModel();
        // The token that ends the output is the one token it may have.
        EvaluationCase empty = asked(1, "exact", "");
        assertEquals(new Evaluation.Result(empty, "", true, true), run(model, empty));
        EvaluationCase six = asked(4, "exact", "6");
        assertEquals(new Evaluation.Result(six, "", true, false), run(model, six));
    }

    @Test
    void whatDoesNotEndWithinItsTokensFailsThoughItMatches() throws Exception {
        EvaluationCase six = asked(1, "exact", "6");
        assertEquals(new Evaluation.Result(six, "6", false, false), run(MODEL, six));
        EvaluationCase sixes = asked(3, "exact", "666");
        assertEquals(new Evaluation.Result(sixes, "666", false, false), run(MODEL, sixes));
    }
}
