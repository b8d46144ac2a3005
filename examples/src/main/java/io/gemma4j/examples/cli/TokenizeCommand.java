package io.gemma4j.examples.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Prints the token ids of a text. Needs no more of a file than its vocabulary. */
@Command(name = "tokenize", description = "Prints the token ids of a text as a JSON array.")
final class TokenizeCommand implements Callable<Integer> {
    private final StandardStreams streams;

    @Mixin
    private ModelOptions model;

    @ArgGroup(multiplicity = "1")
    private Text text;

    @Option(names = "--no-bos", description = "Leave out the token that begins every text.")
    private boolean noBos;

    private static final class Text {
        @Option(names = "--text", required = true, paramLabel = "TEXT", description = "The text.")
        private String text;

        @Option(names = "--text-file", required = true, paramLabel = "FILE", description = "UTF-8 file with the text, taken as it is.")
        private Path file;

        private Text() {}

        String read() throws IOException {
            return text != null ? text : TextFile.read(file);
        }
    }

    TokenizeCommand(StandardStreams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        String input = text.read();
        int[] ids = tokenizer(model.file(streams)).encode(input, !noBos);
        streams.print(new ObjectMapper().writeValueAsString(ids) + "\n");
        return Gemma4Cli.OK;
    }

    private static Tokenizer tokenizer(Path file) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            return Tokenizer.of(GgufFile.open(file, arena).metadata());
        }
    }
}
