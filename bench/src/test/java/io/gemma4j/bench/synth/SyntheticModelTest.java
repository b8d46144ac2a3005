package io.gemma4j.bench.synth;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.Gemma4;
import io.gemma4j.Session;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.gguf.GgufMetadata;
import io.gemma4j.model.Gemma4Config;
import io.gemma4j.quantize.TypeMix;
import io.gemma4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What is written is a model that the library loads and runs. */
class SyntheticModelTest {
    private static final String TEXT = "The quick brown fox\n\n  caf\u00e9 \ud83d\ude00";

    @TempDir
    Path folder;

    static Stream<Arguments> everyPresetAndMix() {
        return Stream.of(Preset.values()).flatMap(preset -> Stream.of(TypeMix.values()).map(mix -> Arguments.of(preset, mix)));
    }

    @ParameterizedTest
    @MethodSource("everyPresetAndMix")
    void everyPresetAndMixRunsWithLogitsOfOrdinarySize(Preset preset, TypeMix mix) throws IOException {
        Path path = SmallModels.write(preset, 7, mix, folder);
        try (Gemma4 model = Gemma4.load(path, o -> o.threads(2)); Session session = model.newSession()) {
            assertEquals(7, model.info().layers());
            float[] first = session.feed(TEXT).logits().toArray();
            float[] second = session.feed(session.logits().argmax()).logits().toArray();
            for (float[] logits : List.of(first, second)) {
                assertEquals(3, deviation(logits), 1);
                for (float logit : logits) {
                    assertTrue(Math.abs(logit) < 25, "a logit of " + logit + " is near its bound of 30");
                }
            }
            assertTrue(deviation(difference(first, second)) > 1, "the logits depend on the text");
            assertTrue(model.prompt("hello").maxTokens(4).generate().usage().generatedTokens() >= 1);
        }
    }

    private static double deviation(float[] values) {
        double squares = 0;
        for (float value : values) {
            squares += (double) value * value;
        }
        return Math.sqrt(squares / values.length);
    }

    private static float[] difference(float[] a, float[] b) {
        float[] difference = a.clone();
        for (int i = 0; i < b.length; i++) {
            difference[i] -= b[i];
        }
        return difference;
    }

    @ParameterizedTest
    @MethodSource("everyPresetAndMix")
    void metadataDescribesTheTensors(Preset preset, TypeMix mix) throws IOException {
        Path path = SmallModels.write(preset, 7, mix, folder);
        try (Arena arena = Arena.ofConfined()) {
            GgufFile file = GgufFile.open(path, arena);
            Gemma4Config config = Gemma4Config.of(file);
            List<Architecture.Layer> layers = SmallModels.narrow(preset, 7).layers();
            for (int i = 0; i < 7; i++) {
                assertEquals(layers.get(i).sliding(), config.layers().get(i).sliding());
                assertEquals(layers.get(i).ownsKv(), config.layers().get(i).ownsKv());
                assertEquals(layers.get(i).kvHeads(), config.layers().get(i).kvHeads());
                assertEquals(layers.get(i).feedForward(), config.layers().get(i).feedForward());
            }
            assertEquals(mix.fileType(), file.metadata().integer("general.file_type"));
        }
    }

    @Test
    void publishedVocabularySizeRoundTripsText() throws IOException {
        Path path = folder.resolve("vocabulary.gguf");
        SyntheticModel.writeVocabulary(path);
        try (Arena arena = Arena.ofConfined()) {
            GgufMetadata metadata = GgufFile.open(path, arena).metadata();
            Tokenizer tokenizer = Tokenizer.of(metadata);
            assertEquals(SyntheticVocabulary.PUBLISHED_SIZE, tokenizer.vocabularySize());
            assertEquals(TEXT, tokenizer.decode(tokenizer.encode(TEXT)));
            assertTrue(tokenizer.encode("the rain in spain", false).length <= 8, "words are a few tokens");
            assertEquals(105, tokenizer.controlToken("<|turn>").orElseThrow());
            assertEquals(100, tokenizer.controlToken("<|channel>").orElseThrow());
            assertEquals("<0x00>", tokenizer.tokenText(238));
            assertArrayEquals(new int[] {1, 50, 106}, tokenizer.endOfGenerationTokens());
        }
    }

    @Test
    void theSameArgumentsGiveTheSameFile() throws IOException {
        Path first = SmallModels.write(Preset.E2B, 3, TypeMix.Q4_K_M, Files.createDirectory(folder.resolve("a")));
        Path second = SmallModels.write(Preset.E2B, 3, TypeMix.Q4_K_M, Files.createDirectory(folder.resolve("b")));
        assertEquals(-1, Files.mismatch(first, second));
        assertNotEquals(-1, Files.mismatch(first, SmallModels.write(Preset.E2B, 3, TypeMix.Q4_0, folder)));
    }

    @Test
    void vocabularyOfAnotherFileIsTaken() throws IOException {
        Path small = SmallModels.write(Preset.E2B, 2, TypeMix.Q4_0, folder);
        Path path = folder.resolve("taken.gguf");
        SyntheticModel.write(Preset.E2B, 2, TypeMix.Q4_0, small, path);
        try (Gemma4 model = Gemma4.load(path, o -> o.threads(2)); Session session = model.newSession()) {
            assertEquals(SmallModels.VOCABULARY, model.tokenizer().vocabularySize());
            assertEquals(3, deviation(session.feed(TEXT).logits().toArray()), 1);
        }
    }

    @Test
    void vocabularyTooSmallForItsStructureIsRefused() {
        assertThrows(IllegalArgumentException.class,
                () -> SyntheticModel.write(SmallModels.narrow(Preset.E2B, 1), TypeMix.F16, 500, folder.resolve("x.gguf")));
    }
}
