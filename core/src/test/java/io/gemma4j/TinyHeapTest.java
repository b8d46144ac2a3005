package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class TinyHeapTest {

    @Test
    void smallHeapIsEnoughWhateverTheStepSizeAskedFor() throws Exception {
        for (Fixture fixture : List.of(MiniModels.DENSE, MiniModels.MOE)) {
            Process child = ChildJvm.start(List.of(), List.of("-Xmx48m"), Generates.class, fixture.model().toString());
            String output = ChildJvm.outputOf(child);
            assertTrue(output.contains("generated 4 MAX_TOKENS"), output);
        }
    }

    /** Runs in a process of its own. */
    static final class Generates {
        private Generates() {}

        public static void main(String[] arguments) throws Exception {
            LoadOptions options = MiniModels.options().contextTokens(4096).prefillTokens(4096).kvType(KvType.F32);
            try (Gemma4 model = Gemma4.load(Path.of(arguments[0]), options)) {
                Generation generation = model.prompt("word ".repeat(40)).raw(true).logitBias(Map.of(5, 1000f)).maxTokens(4).generate();
                System.out.println("generated " + generation.tokens().size() + " " + generation.finishReason());
            }
        }
    }
}
