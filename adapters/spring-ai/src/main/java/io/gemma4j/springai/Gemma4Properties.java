package io.gemma4j.springai;

import io.gemma4j.Backend;
import io.gemma4j.CpuKernels;
import io.gemma4j.KvType;
import io.gemma4j.LoadOptions;
import io.gemma4j.Thinking;
import java.nio.file.Path;
import java.util.List;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * How Spring Boot loads a model and what its answers are like; what is left out is as the library has it. Immutable and thread-safe.
 *
 * @param model the model
 * @param chat its answers
 */
@ConfigurationProperties("gemma4j")
public record Gemma4Properties(@DefaultValue Model model, @DefaultValue Chat chat) {

    /**
     * The model. Its parameters are explained in {@link LoadOptions}.
     *
     * @param path GGUF file; of a split model, any part
     * @param backend where it runs: auto, cpu, cuda or metal
     * @param contextTokens room for prompt and answer together
     * @param kvType how keys and values are held: f16, f32, q8_0 or tq4
     * @param prefillTokens tokens of a prompt that are processed together at most
     * @param threads threads of the CPU backend
     * @param cpuKernels kernels of the CPU backend
     * @param lockMemory whether to ask the operating system to keep the weights in physical memory
     * @param fitMemory whether to take as much context as there is memory for, instead of contextTokens
     * @param prefixCacheBytes memory for the sessions of earlier prompts, where later ones find what they begin with
     */
    public record Model(Path path, Backend backend, Integer contextTokens, KvType kvType, Integer prefillTokens, Integer threads, CpuKernels cpuKernels,
            Boolean lockMemory, Boolean fitMemory, Long prefixCacheBytes) {

        /** The library's options with what is set here. */
        LoadOptions loadOptions() {
            LoadOptions options = LoadOptions.defaults();
            options = backend == null ? options : options.backend(backend);
            options = contextTokens == null ? options : options.contextTokens(contextTokens);
            options = kvType == null ? options : options.kvType(kvType);
            options = prefillTokens == null ? options : options.prefillTokens(prefillTokens);
            options = threads == null ? options : options.threads(threads);
            options = cpuKernels == null ? options : options.cpuKernels(cpuKernels);
            options = lockMemory == null ? options : options.lockMemory(lockMemory);
            options = Boolean.TRUE.equals(fitMemory) ? options.contextTokens(LoadOptions.FIT_MEMORY) : options;
            return prefixCacheBytes == null ? options : options.prefixCacheBytes(prefixCacheBytes);
        }
    }

    /**
     * Answers.
     *
     * @param temperature how much chance has a say; 0 takes the most likely token
     * @param topK draw from the most likely tokens, so many; 0 for all
     * @param topP draw from the most likely tokens that reach this probability; 1 for all
     * @param frequencyPenalty subtracted once for each recent occurrence of a token
     * @param presencePenalty subtracted from the scores of recent tokens
     * @param maxTokens the most tokens of an answer, thoughts included
     * @param stopSequences what ends an answer where it would come up
     * @param thinkingTokens tokens of thought after which the answer has to begin; 0 for no thought
     * @param seed makes the draws repeatable
     */
    public record Chat(Double temperature, Integer topK, Double topP, Double frequencyPenalty, Double presencePenalty, Integer maxTokens,
            List<String> stopSequences, Integer thinkingTokens, Long seed) {

        /** Spring AI's options with what is set here. */
        Gemma4ChatOptions options() {
            return Gemma4ChatOptions.builder().temperature(temperature).topK(topK).topP(topP).frequencyPenalty(frequencyPenalty)
                    .presencePenalty(presencePenalty).maxTokens(maxTokens).stopSequences(stopSequences)
                    .thinking(thinkingTokens == null ? null : Thinking.budget(thinkingTokens)).seed(seed).build();
        }
    }
}
