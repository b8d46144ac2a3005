package io.gemma4j.examples.cli;

import io.gemma4j.Gemma4;
import io.gemma4j.LoadOptions;
import io.gemma4j.Thinking;
import io.gemma4j.examples.server.Gemma4Server;
import io.gemma4j.examples.server.ServerOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Serves a model until Ctrl-C. */
@Command(name = "serve", description = {"Serves a model with OpenAI's API, and with a page to talk with it.",
        "Only this machine can reach it unless --host says otherwise. Ctrl-C lets running answers end."})
final class ServeCommand implements Callable<Integer> {
    private static final ServerOptions DEFAULTS = ServerOptions.of("model");

    private final StandardStreams streams;

    @Spec
    private CommandSpec command;

    @Mixin
    private ModelOptions model;

    @Option(names = "--host", paramLabel = "ADDRESS", description = "Listen on this address; 0.0.0.0 is all of them. Default: 127.0.0.1.")
    private String host = DEFAULTS.host();

    @Option(names = "--port", paramLabel = "N", description = "Default: 8080; 0 takes a free one.")
    private int port = DEFAULTS.port();

    @Option(names = "--name", paramLabel = "NAME", description = "What clients call the model. Repeatable. Default: the name of the file.")
    private List<String> names = List.of();

    @Option(names = "--api-key-file", paramLabel = "FILE", description = "Answer only who has one of the keys in this file, one in each line.")
    private Path apiKeyFile;

    @Option(names = "--slots", paramLabel = "N", description = "Answer N requests at once; each slot keeps a conversation in memory. Default: 4.")
    private int slots = DEFAULTS.slots();

    @Option(names = "--queue", paramLabel = "N", description = "Let N more requests wait. Default: 64.")
    private int queue = DEFAULTS.queueLength();

    @Option(names = "--time-limit", paramLabel = "SECONDS", description = "End an answer after this time, waiting included. Default: 600.")
    private int timeLimitSeconds = (int) DEFAULTS.timeLimit().toSeconds();

    @Option(names = "--max-body", paramLabel = "BYTES", description = "Refuse larger requests. Default: 8388608.")
    private long maxBodyBytes = DEFAULTS.maxBodyBytes();

    @Option(names = "--allow-host", paramLabel = "NAME",
            description = "A name by which browsers may reach the server, beside localhost and addresses; * for any. Repeatable.")
    private List<String> hostNames = List.of();

    @Option(names = "--cors-origin", paramLabel = "ORIGIN", description = "Let pages of this origin use the server; * for any. Repeatable.")
    private List<String> corsOrigins = List.of();

    @Option(names = "--thinking", paramLabel = "off|on|TOKENS", converter = ThinkingOption.class,
            description = "Whether the model thinks where a request does not say. Default: off.")
    private Thinking thinking = Thinking.OFF;

    @Mixin
    private PrefixCacheOption prefixCache;

    @Mixin
    private RuntimeOptions runtime;

    ServeCommand(StandardStreams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        LoadOptions options = prefixCache.applyTo(runtime.applyTo(LoadOptions.defaults()));
        List<String> keys = apiKeys();
        try {
            serverOptions("model", keys); // before a model is loaded, which may take long
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine(), e.getMessage(), e);
        }
        Path file = model.file(streams);
        try (Gemma4 loaded = load(file, options)) {
            return serve(loaded, serverOptions(model.name(file), keys));
        }
    }

    private Gemma4 load(Path file, LoadOptions options) throws IOException {
        try (Interruption interruption = new Interruption(() -> {})) {
            return ModelOptions.load(file, options, streams, interruption::requested);
        }
    }

    private int serve(Gemma4 loaded, ServerOptions options) throws IOException {
        CountDownLatch end = new CountDownLatch(1);
        try (Interruption interruption = new Interruption(end::countDown); Gemma4Server server = Gemma4Server.start(loaded, options)) {
            String address = options.host().contains(":") ? "[" + options.host() + "]" : options.host();
            streams.print("http://" + address + ":" + server.port() + "/\n");
            boolean requested = isInterrupted(end);
            return requested || interruption.requested() ? Gemma4Cli.INTERRUPTED : Gemma4Cli.OK;
        }
    }

    // Waits for the end.
    private static boolean isInterrupted(CountDownLatch end) {
        try {
            end.await();
            return false;
        } catch (InterruptedException e) {
            return true;
        }
    }

    private ServerOptions serverOptions(String modelName, List<String> keys) {
        return new ServerOptions(host, port, names.isEmpty() ? List.of(modelName) : names, keys, slots, queue, Duration.ofSeconds(timeLimitSeconds),
                DEFAULTS.stopTime(), maxBodyBytes, hostNames, corsOrigins, thinking);
    }

    private List<String> apiKeys() throws IOException {
        if (apiKeyFile == null) {
            return List.of();
        }
        List<String> keys = new ArrayList<>(TextFile.read(apiKeyFile).lines().map(String::strip).filter(line -> !line.isEmpty()).toList());
        OptionValue.require(command, !keys.isEmpty(), "--api-key-file: " + apiKeyFile + " holds no key");
        return keys;
    }
}
