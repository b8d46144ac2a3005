package io.gemma4j.examples.server;

import io.gemma4j.Constraint;
import java.util.LinkedHashMap;
import java.util.Map;

/** What {@code response_format} asks for. Keeps what was worked out for the schemas that came last, since clients repeat them. Thread-safe. */
final class ResponseFormats {
    private static final int KEPT = 64;
    private static final String ANY_OBJECT = "{\"type\":\"object\"}";

    private final Map<String, Constraint> kept = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Constraint> eldest) {
            return size() > KEPT;
        }
    };

    /** The form of the answer, or null if it may have any. */
    Constraint read(RequestObject request) {
        RequestObject format = request.object("response_format").orElse(null);
        if (format == null) {
            return null;
        }
        String type = format.requiredString("type");
        return switch (type) {
            case "text" -> null;
            case "json_object" -> ofSchema(ANY_OBJECT);
            case "json_schema" -> {
                RequestObject schema = format.requiredObject("json_schema");
                RequestObject body = schema.requiredObject("schema");
                try {
                    yield ofSchema(body.toString());
                } catch (IllegalArgumentException e) {
                    throw ApiError.invalid(body.path(), body.path() + ": " + e.getMessage());
                }
            }
            default -> throw format.invalid("type", "must be text, json_object or json_schema, was \"" + type + "\"");
        };
    }

    /**
     * What holds a text to a JSON schema.
     *
     * @throws IllegalArgumentException if the schema cannot be enforced
     */
    synchronized Constraint ofSchema(String schema) {
        return kept.computeIfAbsent(schema, Constraint::jsonSchema);
    }
}
