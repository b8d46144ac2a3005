package io.gemma4j;

import io.gemma4j.chat.JavaSchema;
import io.gemma4j.chat.Json;
import io.gemma4j.grammar.Grammar;
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
    private static final String ANY = "true";

    private final Grammar grammar;

    private Constraint(Grammar grammar) {
        this.grammar = grammar;
    }

    /**
     * Any JSON value; for an object use {@code jsonSchema("{\"type\": \"object\"}")}.
     *
     * @return the constraint
     */
    public static Constraint json() {
        return jsonSchema(ANY);
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
        return new Constraint(Grammar.ofJsonSchema(Json.read(schema)));
    }

    /**
     * A JSON object with the components of a record.
     *
     * @param type the record; the same types as in tools
     * @return the constraint
     * @throws IllegalArgumentException if a component has a type that has no schema
     */
    public static Constraint jsonOf(Class<? extends Record> type) {
        return new Constraint(Grammar.ofJsonSchema(JavaSchema.exactly(type, Tool::description)));
    }

    /**
     * A text that matches a regular expression as a whole.
     *
     * @param pattern what java.util.regex and ECMA 262 have in common, without look-around, back references and word boundaries
     * @return the constraint
     * @throws IllegalArgumentException if it is no such pattern; says where
     */
    public static Constraint regex(String pattern) {
        return new Constraint(Grammar.ofRegex(pattern));
    }

    /**
     * One of several texts.
     *
     * @param texts at least one
     * @return the constraint
     * @throws IllegalArgumentException if there is none
     */
    public static Constraint choice(List<String> texts) {
        return new Constraint(Grammar.ofChoice(texts));
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

    Grammar grammar() {
        return grammar;
    }
}
