package io.gemma4j.examples.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.gemma4j.chat.Conversation;
import io.gemma4j.chat.KnownTemplates;
import io.gemma4j.chat.PromptPart;
import io.gemma4j.chat.PromptRenderer;
import io.gemma4j.examples.conversation.ConversationJson;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.gguf.GgufMetadata;
import io.gemma4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Prints the prompt that a conversation becomes. Needs no more of a file than its vocabulary. */
@Command(name = "render", description = {"Prints the prompt that a conversation becomes, control tokens written out, without a line end after it.",
    "A model's thoughts, calls and the results of tools are messages as in the OpenAI API."})
final class RenderCommand implements Callable<Integer> {
    private final StandardStreams streams;

    @Mixin
    private ModelOptions model;

    @Option(names = "--messages", required = true, paramLabel = "FILE",
            description = "UTF-8 file with one JSON object: messages, and, if need be, tools, enable_thinking and add_generation_prompt.")
    private Path messages;

    @Option(names = "--ids", description = "Print the token ids instead, as a JSON array.")
    private boolean ids;

    RenderCommand(StandardStreams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        String place = messages.toString();
        Conversation conversation = ConversationJson.read(place, ConversationJson.object(place, TextFile.read(messages)));
        List<PromptPart> prompt = PromptRenderer.render(conversation);
        int[] tokens = PromptRenderer.tokens(tokenizer(model.file(streams)), prompt);
        streams.print(ids ? new ObjectMapper().writeValueAsString(tokens) + "\n"
                : prompt.stream().map(PromptPart::toString).collect(Collectors.joining()));
        return Gemma4Cli.OK;
    }

    private Tokenizer tokenizer(Path file) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            GgufMetadata metadata = GgufFile.open(file, arena).metadata();
            metadata.findString("tokenizer.chat_template").filter(template -> !KnownTemplates.isKnown(template)).ifPresent(template ->
                    streams.err().println("gemma4: " + file + " has a chat template of its own (SHA-256 " + KnownTemplates.hash(template)
                            + "); this is Gemma 4's published format instead"));
            return Tokenizer.of(metadata);
        }
    }
}
