package io.gemma4j.langchain4j;

import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.model.embedding.EmbeddingModel;
import dev.langchain4j.model.embedding.listener.EmbeddingModelListener;
import dev.langchain4j.model.embedding.request.EmbeddingInput;
import dev.langchain4j.model.embedding.request.EmbeddingRequest;
import dev.langchain4j.model.embedding.response.EmbeddingResponse;
import dev.langchain4j.model.output.TokenUsage;
import io.gemma4j.ContextOverflowException;
import io.gemma4j.Gemma4;
import io.gemma4j.Pooling;
import java.util.List;

/**
 * The hidden states of a Gemma 4 model, pooled, as LangChain4j's {@link EmbeddingModel}: vectors of length 1, as wide as the model. The model was made
 * for text, not for search; a model trained for embeddings finds more with less.
 *
 * <p>Thread-safe; requests take turns on the device. Borrows the model: whoever loaded it closes it. A text that does not fit the context is a
 * {@link ContextOverflowException}.
 */
public final class Gemma4EmbeddingModel implements EmbeddingModel {
    private final Gemma4 model;
    private final Pooling pooling;
    private final List<EmbeddingModelListener> listeners;
    private volatile int dimension;

    /**
     * Wraps a model, with the mean of the hidden states.
     *
     * @param model stays open as long as this is used
     */
    public Gemma4EmbeddingModel(Gemma4 model) {
        this(model, Pooling.MEAN);
    }

    /**
     * Wraps a model.
     *
     * @param model stays open as long as this is used
     * @param pooling how the hidden states of a text become one vector
     * @param listeners told of each request
     */
    public Gemma4EmbeddingModel(Gemma4 model, Pooling pooling, EmbeddingModelListener... listeners) {
        this.model = model;
        this.pooling = pooling;
        this.listeners = List.of(listeners);
    }

    @Override
    public EmbeddingResponse doEmbed(EmbeddingRequest request) {
        List<String> texts = request.inputs().stream().map(EmbeddingInput::text).toList();
        return EmbeddingResponse.builder().embeddings(texts.stream().map(text -> Embedding.from(model.embed(text, pooling))).toList())
                .modelName(modelName()).tokenUsage(new TokenUsage(texts.stream().mapToInt(text -> model.tokenizer().encode(text).length).sum())).build();
    }

    @Override
    public List<EmbeddingModelListener> listeners() {
        return listeners;
    }

    @Override
    public String modelName() {
        return model.info().name();
    }

    @Override
    public int dimension() {
        if (dimension == 0) {
            dimension = model.embed("", pooling).length;
        }
        return dimension;
    }
}
