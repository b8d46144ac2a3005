package io.gemma4j;

import java.util.List;

/**
 * What an answer has to look like, held while it is generated: tokens that would leave the form cannot be drawn, the answer cannot end before it is
 * complete, and as the token limit comes near it is brought to its shortest end. What comes back always has the form, also at the limit.
 *
 * {@snippet :
 * Constraint weather = Constraint.jsonSchema("""
 *         {"type": "object", "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}}, "required": ["city", "degrees"]}""");
 * String json = model.prompt("Weather in Oslo?").constraint(weather).generate().text();
 * }
 *
 * <p>Immutable and thread-safe. What was worked out for a constraint is kept with it, so keep and share it.
 */
public final class Constraint {
    private Constraint() {}

    /**
     * Any JSON value; for an object use {@code jsonSchema("{\"type\": \"object\"}")}.
     *
     * @return the constraint
     */
    public static Constraint json() {
        throw new UnsupportedOperationException("not built yet");
    }

    /**
     * A JSON document that a schema describes. docs/structured-output.md lists the keywords.
     *
     * @param schema JSON Schema, draft 2020-12
     * @return the constraint
     * @throws IllegalArgumentException if it is no JSON schema, uses a keyword that cannot be enforced, which the message names with its place, or
     *     describes no document at all
     */
    public static Constraint jsonSchema(String schema) {
        throw new UnsupportedOperationException("not built yet");
    }

    /**
     * A JSON object with the components of a record.
     *
     * @param type the record; the same types as in tools
     * @return the constraint
     * @throws IllegalArgumentException if a component has a type that has no schema
     */
    public static Constraint jsonOf(Class<? extends Record> type) {
        throw new UnsupportedOperationException("not built yet");
    }

    /**
     * A text that matches a regular expression as a whole.
     *
     * @param pattern what java.util.regex and ECMA 262 have in common, without look-around, back references and word boundaries
     * @return the constraint
     * @throws IllegalArgumentException if it is no such pattern; says where
     */
    public static Constraint regex(String pattern) {
        throw new UnsupportedOperationException("not built yet");
    }

    /**
     * One of several texts.
     *
     * @param texts at least one
     * @return the constraint
     * @throws IllegalArgumentException if there is none
     */
    public static Constraint choice(List<String> texts) {
        throw new UnsupportedOperationException("not built yet");
    }

    /**
     * One of several texts.
     *
     * @param texts at least one
     * @return the constraint
     * @throws IllegalArgumentException if there is none
     */
    public static Constraint choice(String... texts) {
        return choice(List.of(texts));
    }
}
