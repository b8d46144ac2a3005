package io.gemma4j.examples.server;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gemma4j.Gemma4;
import io.gemma4j.examples.server.Answering.Outcome;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CancellationException;

/** {@code POST /v1/embeddings}: texts as vectors. */
final class Embeddings extends JsonEndpoint {
    private static final int MAX_TEXTS = 2048;

    private final Gemma4 model;
    private final Answering answering;

    Embeddings(Gemma4 model, ServerOptions options, Answering answering, ServerMetrics metrics) {
        super("embeddings", options, metrics);
        this.model = model;
        this.answering = answering;
    }

    @Override
    String promptField() {
        return "input";
    }

    @Override
    void answer(Exchange exchange) {
        RequestObject request = exchange.request();
        request.required("input");
        List<String> texts = request.strings("input", MAX_TEXTS);
        if (texts.isEmpty() || texts.contains("")) {
            throw request.invalid("input", "must not be empty, nor hold an empty string");
        }
        if (request.has("dimensions")) {
            throw ApiError.unsupported("dimensions", "dimensions is not supported: vectors are as long as the model makes them");
        }
        String format = request.string("encoding_format").orElse("float");
        if (!format.equals("float") && !format.equals("base64")) {
            throw request.invalid("encoding_format", "must be float or base64, was \"" + format + "\"");
        }
        List<float[]> vectors = embed(exchange, texts);
        ObjectNode answer = RequestObject.newObject().put("object", "list");
        ArrayNode data = answer.putArray("data");
        for (int i = 0; i < vectors.size(); i++) {
            write(vectors.get(i), format, data.addObject().put("object", "embedding").put("index", i));
        }
        int tokens = texts.stream().mapToInt(text -> model.tokenizer().encode(text).length).sum();
        answer.put("model", modelName()).putObject("usage").put("prompt_tokens", tokens).put("total_tokens", tokens);
        exchange.send(answer);
    }

    private List<float[]> embed(Exchange exchange, List<String> texts) {
        Outcome<List<float[]>> outcome = answering.run(null, exchange.client(), () -> {}, (session, canceller) -> {
            Thread thread = Thread.currentThread();
            canceller.accept(thread::interrupt);
            List<float[]> vectors = new ArrayList<>();
            try {
                texts.forEach(text -> vectors.add(model.embed(text)));
            } catch (CancellationException e) {
                // The outcome says why.
            }
            return vectors;
        });
        answering.requireSomething(outcome.end(), true);
        return outcome.value();
    }

    private static void write(float[] vector, String format, ObjectNode node) {
        if (format.equals("base64")) {
            ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * vector.length).order(ByteOrder.LITTLE_ENDIAN);
            bytes.asFloatBuffer().put(vector);
            node.put("embedding", Base64.getEncoder().encodeToString(bytes.array()));
        } else {
            ArrayNode values = node.putArray("embedding");
            for (float value : vector) {
                values.add(value);
            }
        }
    }
}
