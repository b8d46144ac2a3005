package io.gemma4j.examples.cli;

import io.gemma4j.Chat;
import io.gemma4j.ContextOverflowException;
import io.gemma4j.FinishReason;
import io.gemma4j.Gemma4;
import io.gemma4j.LoadOptions;
import io.gemma4j.Message;
import io.gemma4j.Reply;
import io.gemma4j.SamplingOptions;
import io.gemma4j.Thinking;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Talks with a model, on a terminal or through pipes. */
@Command(name = "chat", description = {"Talks with a model.", "On a terminal Ctrl-C stops an answer, and /help lists what else can be done. "
        + "Otherwise each line of standard input is a question."})
final class ChatCommand implements Callable<Integer> {
    private static final String HELP = """
            /clear   forgets the conversation
            /exit    ends it, as Ctrl-D does
            A backslash at the end of a line continues it.
            """;
    private static final String DIM = "\033[2m";
    private static final String NORMAL = "\033[0m";

    private final StandardStreams streams;
    private boolean dimmed;

    @Spec
    private CommandSpec command;

    @Mixin
    private ModelOptions model;

    @Option(names = "--system", paramLabel = "TEXT", description = "Rules that the model has to keep to.")
    private String system;

    @Option(names = "--thinking", paramLabel = "off|on|TOKENS", converter = ThinkingOption.class,
            description = "Whether the model thinks before it answers, and at most for how many tokens. Default: off.")
    private Thinking thinking = Thinking.OFF;

    @Mixin
    private SamplingFlags sampling;

    @Option(names = "--max-tokens", paramLabel = "N", description = "End an answer after N tokens. Default: when the model is done or the context full.")
    private int maxTokens = Integer.MAX_VALUE;

    @Option(names = "--stats", description = "Print counts and speed after each answer to standard error.")
    private boolean statistics;

    @Mixin
    private RuntimeOptions runtime;

    ChatCommand(StandardStreams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        sampling.applyTo(SamplingOptions.defaults()); // before a model is loaded, which may take long
        OptionValue.require(command, maxTokens >= 1, "--max-tokens must be at least 1, was " + maxTokens);
        LoadOptions options = runtime.applyTo(LoadOptions.defaults());
        Path file = model.file(streams);
        try (Gemma4 loaded = load(file, options); Chat chat = chat(loaded); ChatInput input = ChatInput.of(streams)) {
            return talk(chat, input) ? Gemma4Cli.OK : Gemma4Cli.INTERRUPTED;
        }
    }

    private Gemma4 load(Path file, LoadOptions options) throws IOException {
        try (Interruption interruption = new Interruption(() -> {})) {
            return ModelOptions.load(file, options, streams, interruption::requested);
        }
    }

    private Chat chat(Gemma4 loaded) {
        Chat.Builder builder = loaded.chat().thinking(thinking).sampling(sampling::applyTo).maxTokens(maxTokens).overflow(Chat.Overflow.DROP_OLDEST);
        return (system == null ? builder : builder.system(system)).build();
    }

    // False if the user has ended it with Ctrl-C.
    private boolean talk(Chat chat, ChatInput input) throws IOException {
        List<Message> start = chat.messages();
        for (String said = input.next(); said != null && !said.strip().equals("/exit"); said = input.next()) {
            switch (said.strip()) {
                case "" -> {}
                case "/clear" -> chat.messages(start);
                case "/help" -> streams.print(HELP);
                case String question when question.matches("/[a-z]+") ->
                    streams.err().println("gemma4: there is no command " + question + "; /help lists them");
                case String question -> {
                    input.onInterrupt(chat::cancel);
                    try (Interruption interruption = new Interruption(chat::cancel)) {
                        answer(chat, question);
                        if (interruption.requested()) {
                            return false;
                        }
                    }
                }
            }
        }
        return true;
    }

    private void answer(Chat chat, String question) {
        try {
            Reply reply = chat.stream(question, this::show);
            dim(false);
            streams.print("\n");
            if (reply.finishReason() != FinishReason.STOP) {
                streams.err().println("gemma4: the answer ended early: " + reply.finishReason());
            }
            if (statistics) {
                streams.err().println(statistics(reply));
            }
        } catch (ContextOverflowException e) {
            streams.err().println("gemma4: " + e.getMessage());
        }
    }

    private void show(Chat.Event event) {
        switch (event) {
            case Chat.Event.Text(String text, _) -> {
                dim(false);
                streams.print(text);
            }
            case Chat.Event.Thinking(String text) -> {
                dim(true);
                streams.err().print(text);
                streams.err().flush();
            }
            case Chat.Event.ToolCall call -> streams.err().println("gemma4: the model calls " + call.call().name() + ", which it was not given");
            case Chat.Event.Done done -> {}
        }
    }

    // Thoughts go to standard error, dimmed on a terminal.
    private void dim(boolean value) {
        if (value != dimmed) {
            dimmed = value;
            streams.err().print((streams.showProgress() ? value ? DIM : NORMAL : "") + (value ? "" : "\n"));
            streams.err().flush();
        }
    }

    private static String statistics(Reply reply) {
        double seconds = reply.timings().decode().toNanos() / 1e9;
        double speed = seconds == 0 ? 0 : (reply.usage().generatedTokens() - 1) / seconds;
        return String.format(Locale.ROOT, "prompt %d tokens, %d of them cached; first token %.3f s; generated %d tokens, %.1f tokens/s",
                reply.usage().promptTokens(), reply.usage().cachedTokens(), reply.timings().timeToFirstToken().toNanos() / 1e9,
                reply.usage().generatedTokens(), speed);
    }
}
