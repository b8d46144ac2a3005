package io.gemma4j;

import io.gemma4j.chat.JavaSchema;
import io.gemma4j.chat.Json;
import io.gemma4j.grammar.Grammar;
import java.util.List;

/**
 * What an answer has to look like, held while it is generated: tokens that would leave the form cannot be drawn, the answer cannot end before it is
 * complete, and as the token limit comes near it is brought to its shortest end. What comes back always has the form, also at the limit.
 *
 * <p>The model is told of a JSON schema: in a chat beside its rules, in a request behind the prompt, unless that is raw. {@link #untold()} is for prompts that
 * say it themselves. Of a pattern or a choice the model is not told.
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
    private final String instruction;

    private Constraint(Grammar grammar, String instruction) {
        this.grammar = grammar;
        this.instruction = instruction;
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
        return ofSchema(Json.read(schema));
    }

    /**
     * A JSON object with the components of a record.
     *
     * @param type the record; the same types as in tools
     * @return the constraint
     * @throws IllegalArgumentException if a component has a type that has no schema
     */
    public static Constraint jsonOf(Class<? extends Record> type) {
        return ofSchema(JavaSchema.exactly(type, Tool::description));
    }

    private static Constraint ofSchema(Object schema) {
        return new Constraint(Grammar.ofJsonSchema(schema),
                Boolean.TRUE.equals(schema) ? "Answer with JSON only." : "Answer with JSON only, which satisfies this schema: " + Json.write(schema));
    }

    /**
     * A text that matches a regular expression as a whole.
     *
     * @param pattern what java.util.regex and ECMA 262 have in common, without look-around, back references and word boundaries
     * @return the constraint
     * @throws IllegalArgumentException if it is no such pattern; says where
     */
    public static Constraint regex(String pattern) {
        return new Constraint(Grammar.ofRegex(pattern), "");
    }

    /**
     * One of several texts.
     *
     * @param texts at least one
     * @return the constraint
     * @throws IllegalArgumentException if there is none
     */
    public static Constraint choice(List<String> texts) {
        return new Constraint(Grammar.ofChoice(texts), "");
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

    /**
     * The same form, of which no model is told.
     *
     * @return a constraint that shares with this one what is worked out for it
     */
    public Constraint untold() {
        return new Constraint(grammar, "");
    }

    /** A text with what the model is told of the form. */
    String tell(String text) {
        return instruction.isEmpty() ? text : text.isEmpty() ? instruction : text + "\n\n" + instruction;
    }

    Grammar grammar() {
        return grammar;
    }
}
