package io.gemma4j.langchain4j;

import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.internal.JsonSchemaElementUtils;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import io.gemma4j.Constraint;
import io.gemma4j.chat.Json;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** LangChain4j's response formats as constraints. The last ones are kept, since working one out takes time. Thread-safe. */
final class ResponseConstraints {
    private static final int KEPT = 16;
    private static final String ANY_OBJECT = "{\"type\":\"object\"}";

    private final Map<String, Constraint> bySchema = new LinkedHashMap<>(KEPT, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Constraint> eldest) {
            return size() > KEPT;
        }
    };

    /**
     * What a format asks for.
     *
     * @param format null for any text
     * @throws UnsupportedFeatureException if its schema uses a keyword that cannot be enforced
     */
    Optional<Constraint> of(ResponseFormat format) {
        if (format == null || format.type() != ResponseFormatType.JSON) {
            return Optional.empty();
        }
        return Optional.of(ofSchema(format.jsonSchema() == null ? ANY_OBJECT : Json.write(JsonSchemaElementUtils.toMap(format.jsonSchema().rootElement()))));
    }

    /**
     * What a JSON schema asks for.
     *
     * @throws UnsupportedFeatureException if it uses a keyword that cannot be enforced
     */
    Constraint ofSchema(String schema) {
        synchronized (bySchema) {
            return bySchema.computeIfAbsent(schema, ResponseConstraints::constraint);
        }
    }

    private static Constraint constraint(String schema) {
        try {
            return Constraint.jsonSchema(schema);
        } catch (IllegalArgumentException e) {
            throw new UnsupportedFeatureException("this JSON schema is not supported: " + e.getMessage());
        }
    }
}
