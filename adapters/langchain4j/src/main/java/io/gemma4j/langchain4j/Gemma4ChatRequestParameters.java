package io.gemma4j.langchain4j;

import static dev.langchain4j.internal.Utils.getOrDefault;

import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import io.gemma4j.Thinking;
import java.util.Objects;

/**
 * What can be asked of a Gemma 4 model beyond what LangChain4j knows of every model. Immutable and thread-safe.
 *
 * {@snippet :
 * Gemma4ChatRequestParameters.builder().temperature(0.2).thinking(Thinking.budget(500)).seed(7L).build()
 * }
 */
public final class Gemma4ChatRequestParameters extends DefaultChatRequestParameters {
    private final Thinking thinking;
    private final Long seed;

    private Gemma4ChatRequestParameters(Builder builder) {
        super(builder);
        this.thinking = builder.thinking;
        this.seed = builder.seed;
    }

    /**
     * Sets up parameters.
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
    public Thinking thinking() {
        return thinking;
    }

    /**
     * What makes the draws repeatable.
     *
     * @return null if it is not set, which means another one for each request
     */
    public Long seed() {
        return seed;
    }

    @Override
    public Gemma4ChatRequestParameters overrideWith(ChatRequestParameters that) {
        return builder().overrideWith(this).overrideWith(that).build();
    }

    @Override
    public Gemma4ChatRequestParameters defaultedBy(ChatRequestParameters that) {
        return builder().overrideWith(that).overrideWith(this).build();
    }

    @Override
    public boolean equals(Object other) {
        return super.equals(other) && other instanceof Gemma4ChatRequestParameters that && Objects.equals(thinking, that.thinking)
                && Objects.equals(seed, that.seed);
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), thinking, seed);
    }

    @Override
    public String toString() {
        return super.toString().replaceFirst("^Default", "Gemma4").replaceFirst("}$", ", thinking=" + thinking + ", seed=" + seed + "}");
    }

    /** Sets up parameters. To be used by one thread. */
    public static final class Builder extends DefaultChatRequestParameters.Builder<Builder> {
        private Thinking thinking;
        private Long seed;

        private Builder() {}

        /**
         * How much the model may think before it answers.
         *
         * @param value null leaves it as the model's defaults have it
         * @return this builder
         */
        public Builder thinking(Thinking value) {
            thinking = value;
            return this;
        }

        /**
         * Makes the draws repeatable.
         *
         * @param value null leaves it as the model's defaults have it
         * @return this builder
         */
        public Builder seed(Long value) {
            seed = value;
            return this;
        }

        @Override
        public Builder overrideWith(ChatRequestParameters parameters) {
            super.overrideWith(parameters);
            if (parameters instanceof Gemma4ChatRequestParameters own) {
                thinking = getOrDefault(own.thinking, thinking);
                seed = getOrDefault(own.seed, seed);
            }
            return this;
        }

        @Override
        public Gemma4ChatRequestParameters build() {
            return new Gemma4ChatRequestParameters(this);
        }
    }
}
