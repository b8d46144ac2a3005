package io.gemma4j.springai;

import io.gemma4j.Thinking;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.model.tool.DefaultToolCallingChatOptions;
import org.springframework.ai.model.tool.StructuredOutputChatOptions;
import org.springframework.ai.tool.ToolCallback;

/**
 * What can be asked of a Gemma 4 model: what Spring AI knows of every model, how much it may think, a seed, and a JSON schema. What is null is as the model file
 * recommends. Immutable and thread-safe, as far as the tools are.
 */
public final class Gemma4ChatOptions extends DefaultToolCallingChatOptions implements StructuredOutputChatOptions {
    private final Thinking thinking;
    private final Long seed;
    private final String outputSchema;

    private Gemma4ChatOptions(Builder builder, List<ToolCallback> tools, Map<String, Object> toolContext, ChatOptions common) {
        super(tools, toolContext, common.getModel(), common.getFrequencyPenalty(), common.getMaxTokens(), common.getPresencePenalty(),
                common.getStopSequences(), common.getTemperature(), common.getTopK(), common.getTopP());
        this.thinking = builder.thinking;
        this.seed = builder.seed;
        this.outputSchema = builder.outputSchema;
    }

    /**
     * Sets up options.
     *
     * @return a builder with nothing set
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * How much the model may think before it answers.
     *
     * @return null if it is not set, which means not at all
     */
    public Thinking getThinking() {
        return thinking;
    }

    /**
     * What makes the draws repeatable.
     *
     * @return null if it is not set, which means another one for each prompt
     */
    public Long getSeed() {
        return seed;
    }

    /**
     * What the answer has to look like.
     *
     * @return a JSON schema; null for any text
     */
    @Override
    public String getOutputSchema() {
        return outputSchema;
    }

    @Override
    public Builder mutate() {
        return builder().model(getModel()).frequencyPenalty(getFrequencyPenalty()).maxTokens(getMaxTokens()).presencePenalty(getPresencePenalty())
                .stopSequences(getStopSequences()).temperature(getTemperature()).topK(getTopK()).topP(getTopP()).toolCallbacks(getToolCallbacks())
                .toolContext(getToolContext()).thinking(thinking).seed(seed).outputSchema(outputSchema);
    }

    @Override
    public boolean equals(Object other) {
        return super.equals(other) && other instanceof Gemma4ChatOptions that && Objects.equals(thinking, that.thinking) && Objects.equals(seed, that.seed)
                && Objects.equals(outputSchema, that.outputSchema);
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), thinking, seed, outputSchema);
    }

    /** Sets up options. To be used by one thread. */
    public static final class Builder extends DefaultToolCallingChatOptions.Builder<Builder> implements StructuredOutputChatOptions.Builder<Builder> {
        private Thinking thinking;
        private Long seed;
        private String outputSchema;

        private Builder() {}

        /**
         * How much the model may think before it answers.
         *
         * @param value null for not at all
         * @return this builder
         */
        public Builder thinking(Thinking value) {
            thinking = value;
            return this;
        }

        /**
         * Makes the draws repeatable.
         *
         * @param value null for another one for each prompt
         * @return this builder
         */
        public Builder seed(Long value) {
            seed = value;
            return this;
        }

        /**
         * What the answer has to look like; it is held while the answer is generated.
         *
         * @param value JSON schema; null for any text
         * @return this builder
         */
        @Override
        public Builder outputSchema(String value) {
            outputSchema = value;
            return this;
        }

        @Override
        public Builder combineWith(ChatOptions.Builder<?> other) {
            super.combineWith(other);
            if (other instanceof Builder that) {
                thinking = that.thinking == null ? thinking : that.thinking;
                seed = that.seed == null ? seed : that.seed;
                outputSchema = that.outputSchema == null ? outputSchema : that.outputSchema;
            }
            return this;
        }

        @Override
        public Gemma4ChatOptions build() {
            return new Gemma4ChatOptions(this, toolCallbacks, toolContext, super.build());
        }
    }
}
