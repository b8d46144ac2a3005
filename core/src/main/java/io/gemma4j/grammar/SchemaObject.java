package io.gemma4j.grammar;

import io.gemma4j.chat.Json;
import io.gemma4j.grammar.Symbol.Rule;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Objects of one schema. Properties come in the order of the schema; those that it does not name come last.
 *
 * @param grammar that the rules belong to
 * @param node the schema
 */
record SchemaObject(SchemaGrammar grammar, SchemaNode node) {

    Rule rule() {
        List<String> required = node.strings("required");
        Map<String, Symbol> values = new LinkedHashMap<>();
        node.map("properties").forEach((name, schema) ->
                values.put((String) name, grammar.value(schema, node.path("properties/" + name))));
        boolean named = !values.isEmpty() || !required.isEmpty();
        Object additional = node.keywords().containsKey("additionalProperties") ? node.get("additionalProperties") : (Object) !named;
        for (String name : required) {
            values.computeIfAbsent(name, key -> grammar.value(node.has("additionalProperties") ? additional : Boolean.TRUE,
                    node.path("additionalProperties")));
        }
        // What may come once i properties have been passed, if none of them was written, and if some were.
        Rule first = grammar.newRule();
        Rule more = grammar.newRule();
        first.add(grammar.terminal(grammar.literal("}")));
        more.add(grammar.terminal(grammar.space(), grammar.literal("}")));
        if (!Boolean.FALSE.equals(additional)) {
            Symbol value = grammar.value(additional, node.path("additionalProperties"));
            Expression key = grammar.keyOtherThan(List.copyOf(values.keySet()));
            first.add(key(key), value, more);
            more.add(separatedKey(key), value, more);
        }
        List<String> names = new ArrayList<>(values.keySet());
        for (String name : names.reversed()) {
            Expression key = grammar.literal(Json.write(name));
            Rule firstAfter = first;
            Rule moreAfter = more;
            first = grammar.newRule();
            more = grammar.newRule();
            first.add(key(key), values.get(name), moreAfter);
            more.add(separatedKey(key), values.get(name), moreAfter);
            if (!required.contains(name)) {
                first.add(firstAfter);
                more.add(moreAfter);
            }
        }
        Rule object = grammar.newRule();
        object.add(grammar.terminal(grammar.literal("{"), grammar.space()), first);
        return object;
    }

    private Symbol key(Expression key) {
        return grammar.terminal(key, grammar.literal(":"), grammar.space());
    }

    private Symbol separatedKey(Expression key) {
        return grammar.terminal(grammar.literal(","), grammar.space(), key, grammar.literal(":"), grammar.space());
    }
}
