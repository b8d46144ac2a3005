package io.gemma4j.springai;

import io.gemma4j.Constraint;
import java.util.LinkedHashMap;
import java.util.Map;

/** JSON schemas as constraints. The last ones are kept, since working one out takes time. Thread-safe. */
final class OutputConstraints {
    private static final int KEPT = 16;

    private final Map<String, Constraint> bySchema = new LinkedHashMap<>(KEPT, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Constraint> eldest) {
            return size() > KEPT;
        }
    };

    /**
     * What a schema asks for.
     *
     * @throws IllegalArgumentException if it is none, or uses a keyword that cannot be enforced
     */
    Constraint of(String schema) {
        synchronized (bySchema) {
            return bySchema.computeIfAbsent(schema, Constraint::jsonSchema);
        }
    }
}
