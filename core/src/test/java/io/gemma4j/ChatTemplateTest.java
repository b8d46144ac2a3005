package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.chat.KnownTemplates;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.gguf.GgufTensor;
import io.gemma4j.gguf.GgufWriter;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatTemplateTest {
    @TempDir
    private Path folder;

    private List<String> warnings(String template) throws Exception {
        Path path = folder.resolve(KnownTemplates.hash(template) + ".gguf");
        try (Arena arena = Arena.ofConfined()) {
            GgufFile file = GgufFile.open(MiniModels.DENSE.model(), arena);
            GgufWriter writer = new GgufWriter().putAll(file.metadata()).put("tokenizer.chat_template", template);
            for (GgufTensor tensor : file.tensors()) {
                writer.tensor(tensor.name(), tensor.type(), tensor.dimensions().stream().mapToLong(Long::longValue).toArray(), tensor.bytes());
            }
            writer.write(path);
        }
        try (CapturedLog log = new CapturedLog(); Gemma4 model = Gemma4.load(path, MiniModels.options())) {
            model.chat().build();
            model.chat().build();
            return log.lines("WARN");
        }
    }

    @Test
    void templateThatIsNotKnownIsReportedOnceByItsHash() throws Exception {
        List<String> warnings = warnings("{{ messages }}");
        assertEquals(1, warnings.size(), warnings.toString());
        assertTrue(warnings.getFirst().contains(KnownTemplates.hash("{{ messages }}")), warnings.toString());
    }

    @Test
    void officialTemplateIsNotReported() throws Exception {
        try (InputStream in = ChatTemplateTest.class.getResourceAsStream("/chat/google-gemma-4-31B-it.jinja")) {
            assertEquals(List.of(), warnings(new String(in.readAllBytes(), StandardCharsets.UTF_8)));
        }
    }
}
