package io.gemma4j.examples.cli;

import io.gemma4j.examples.hub.HubReference;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Downloads a model. What has come stays where the program is ended, and the next run goes on from there. */
@Command(name = "pull", description = {"Downloads a model from the Hugging Face Hub and prints where its file is.",
    "Goes on where it was interrupted, and checks what came by its SHA-256. HF_TOKEN, HF_ENDPOINT, HF_HOME, HF_HUB_CACHE and HF_HUB_OFFLINE count as in "
        + "Hugging Face's own programs, which share the cache."})
final class PullCommand implements Callable<Integer> {
    private final StandardStreams streams;

    @Parameters(paramLabel = "hf:OWNER/REPO[:QUANT]",
            description = "The model. QUANT is how it is quantized, Q4_K_M for one, or the name of a file. Without it: Q4_K_M, Q4_0, Q8_0, or the only one.")
    private String model;

    PullCommand(StandardStreams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        HubReference.parse(model); // a file needs no download
        streams.print(ModelOptions.file(model, streams) + "\n");
        return Gemma4Cli.OK;
    }
}
