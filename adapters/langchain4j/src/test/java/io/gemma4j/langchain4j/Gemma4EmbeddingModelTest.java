package io.gemma4j.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;

import dev.langchain4j.model.embedding.EmbeddingModel;
import dev.langchain4j.model.embedding.common.AbstractEmbeddingModelIT;
import dev.langchain4j.model.embedding.listener.EmbeddingModelListener;
import dev.langchain4j.store.embedding.CosineSimilarity;
import io.gemma4j.Pooling;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What LangChain4j asks of every {@link EmbeddingModel}. */
class Gemma4EmbeddingModelTest extends AbstractEmbeddingModelIT {
    @Override
    protected List<EmbeddingModel> models() {
        return List.of(new Gemma4EmbeddingModel(TinyModel.shared()), new Gemma4EmbeddingModel(TinyModel.shared(), Pooling.LAST));
    }

    @Override
    protected EmbeddingModel modelWith(EmbeddingModelListener listener) {
        return new Gemma4EmbeddingModel(TinyModel.shared(), Pooling.MEAN, listener);
    }

    @Override
    protected EmbeddingModel failingModelWith(EmbeddingModelListener listener) {
        return new Gemma4EmbeddingModel(TinyModel.closed(), Pooling.MEAN, listener);
    }

    @Override
    protected boolean supportsInputTypeParameter() {
        return false;
    }

    @Override
    protected boolean supportsDimensionsParameter() {
        return false;
    }

    @Override
    protected boolean supportsImageInput() {
        return false;
    }

    @Test
    void vectorsAreTheModelsOwn() {
        EmbeddingModel model = new Gemma4EmbeddingModel(TinyModel.shared());
        assertThat(model.embed("What is the capital of France?").content().vector()).isEqualTo(TinyModel.shared().embed("What is the capital of France?"));
        assertThat(model.embed("x").tokenUsage().inputTokenCount()).isEqualTo(TinyModel.shared().tokenizer().encode("x").length);
    }

    @Test
    void questionsOfOneKindAreCloserThanOthers() {
        EmbeddingModel model = new Gemma4EmbeddingModel(TinyModel.shared());
        var france = model.embed("What is the capital of France?").content();
        double capital = CosineSimilarity.between(france, model.embed("What is the capital of Norway?").content());
        double sum = CosineSimilarity.between(france, model.embed("How much is 76 minus 54?").content());
        assertThat(capital).isGreaterThan(sum);
    }
}
