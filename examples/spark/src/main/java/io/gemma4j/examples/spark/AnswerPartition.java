package io.gemma4j.examples.spark;

import io.gemma4j.Gemma4;
import io.gemma4j.SamplingOptions;
import io.gemma4j.Thinking;
import io.gemma4j.examples.batch.BatchAnswers;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.util.TaskCompletionListener;

/**
 * Answers the rows of a partition, one after the other, as they are asked for. Rows and answers are as in {@link BatchAnswers}.
 *
 * @param model a file of every machine, or {@code hf:OWNER/REPO:QUANT}
 * @param maxTokens of each answer, thoughts included
 * @param temperature null for what the model recommends
 */
record AnswerPartition(String model, int maxTokens, Float temperature) implements MapPartitionsFunction<String, String> {

    @Override
    public Iterator<String> call(Iterator<String> rows) throws IOException {
        Gemma4 loaded = ExecutorModel.of(model);
        BatchAnswers answers = new BatchAnswers(loaded, this::sampling, maxTokens, Thinking.OFF);
        TaskContext.get().addTaskCompletionListener((TaskCompletionListener) task -> answers.close());
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return rows.hasNext();
            }

            @Override
            public String next() {
                return answers.answer("row", rows.next().getBytes(StandardCharsets.UTF_8));
            }
        };
    }

    private SamplingOptions sampling(SamplingOptions defaults) {
        return temperature == null ? defaults : defaults.temperature(temperature);
    }
}
