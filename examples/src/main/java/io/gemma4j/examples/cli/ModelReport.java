package io.gemma4j.examples.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gemma4j.MemoryEstimate;
import io.gemma4j.ModelInfo;
import io.gemma4j.SamplingOptions;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * What is told about a model, for programs and for people.
 *
 * @param info facts from the file
 * @param memory what it takes
 * @param sampling what it recommends
 */
record ModelReport(ModelInfo info, MemoryEstimate memory, SamplingOptions sampling) {

    /** One JSON object in one line. */
    String json() {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        root.put("name", info.name()).put("architecture", info.architecture()).put("parameters", info.parameters())
                .put("fileBytes", info.fileBytes());
        ObjectNode types = root.putObject("tensorTypes");
        info.tensorTypes().forEach(types::put);
        root.put("layers", info.layers()).put("vocabulary", info.vocabulary()).put("trainedContextTokens", info.trainedContextTokens())
                .put("contextTokens", info.contextTokens()).put("backend", info.backend());
        root.putObject("memory").put("weightsBytes", memory.weightsBytes()).put("activationBytes", memory.activationBytes())
                .put("kvBytesPerSession", memory.kvBytesPerSession()).put("totalBytes", memory.totalBytes());
        root.putObject("sampling").put("temperature", sampling.temperature()).put("topK", sampling.topK()).put("topP", sampling.topP())
                .put("minP", sampling.minP()).put("typicalP", sampling.typicalP()).put("repetitionPenalty", sampling.repetitionPenalty())
                .put("presencePenalty", sampling.presencePenalty()).put("frequencyPenalty", sampling.frequencyPenalty())
                .put("penaltyTokens", sampling.penaltyTokens());
        return root.toString();
    }

    /** One line for each fact. */
    String table() {
        return String.format(Locale.ROOT, """
                name          %s
                architecture  %s
                parameters    %,d
                file          %s
                tensors       %s
                layers        %d
                context       %,d tokens, of %,d the model was made for
                vocabulary    %,d tokens
                backend       %s
                memory        %s: weights %s, activations %s, key/value cache %s per session
                sampling      temperature %s, top-k %d, top-p %s, min-p %s, typical-p %s,
                              repetition penalty %s, presence penalty %s, frequency penalty %s
                """, info.name(), info.architecture(), info.parameters(), size(info.fileBytes()),
                info.tensorTypes().entrySet().stream().map(type -> type.getValue() + " " + type.getKey()).collect(Collectors.joining(", ")),
                info.layers(), info.contextTokens(), info.trainedContextTokens(), info.vocabulary(), info.backend(), size(memory.totalBytes()),
                size(memory.weightsBytes()), size(memory.activationBytes()), size(memory.kvBytesPerSession()), sampling.temperature(),
                sampling.topK(), sampling.topP(), sampling.minP(), sampling.typicalP(), sampling.repetitionPenalty(), sampling.presencePenalty(),
                sampling.frequencyPenalty());
    }

    /** Bytes in MiB or GiB. */
    static String size(long bytes) {
        return bytes < 1 << 30 ? String.format(Locale.ROOT, "%.1f MiB", bytes / 0x1p20) : String.format(Locale.ROOT, "%.2f GiB", bytes / 0x1p30);
    }
}
