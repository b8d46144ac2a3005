package io.gemma4j.grammar;

import io.gemma4j.grammar.Symbol.Rule;
import java.util.ArrayList;
import java.util.List;

/**
 * Arrays of one schema.
 *
 * @param grammar that the rules belong to
 * @param node the schema
 */
record SchemaArray(SchemaGrammar grammar, SchemaNode node) {
    /** Places that are told apart; a longer array that the schema allows is not written. */
    private static final int MAX_PLACES = 4096;

    Rule rule() {
        List<Symbol> prefix = new ArrayList<>();
        List<?> prefixSchemas = node.list("prefixItems");
        for (int i = 0; i < prefixSchemas.size(); i++) {
            prefix.add(grammar.value(prefixSchemas.get(i), node.path("prefixItems/" + i)));
        }
        if (node.get("items") instanceof List) {
            throw node.unexpected("items", "a schema; for a list of schemas use prefixItems");
        }
        int min = node.count("minItems", 0);
        boolean open = node.has("items") || prefix.isEmpty() || min > prefix.size();
        int max = Math.min(node.count("maxItems", Expression.UNBOUNDED), open ? Expression.UNBOUNDED : prefix.size());
        if (min > MAX_PLACES || prefix.size() > MAX_PLACES) {
            throw node.unexpected(min > MAX_PLACES ? "minItems" : "prefixItems", "at most " + MAX_PLACES + " items");
        }
        Symbol item = open ? grammar.value(node.has("items") ? node.get("items") : Boolean.TRUE, node.path("items")) : null;
        int places = max == Expression.UNBOUNDED ? Math.max(1, Math.max(min, prefix.size())) : Math.min(max, MAX_PLACES);
        Rule after = grammar.newRule();
        if (places >= min) {
            after.add(end(places));
        }
        if (max == Expression.UNBOUNDED) {
            after.add(separator(), item, after);
        }
        for (int place = places - 1; place >= 0; place--) {
            Rule before = grammar.newRule();
            if (place >= min) {
                before.add(end(place));
            }
            Symbol value = place < prefix.size() ? prefix.get(place) : item;
            if (place == 0) {
                before.add(value, after);
            } else {
                before.add(separator(), value, after);
            }
            after = before;
        }
        Rule array = grammar.newRule();
        array.add(grammar.terminal(grammar.literal("["), grammar.space()), after);
        return array;
    }

    private Symbol separator() {
        return grammar.terminal(grammar.literal(","), grammar.space());
    }

    private Symbol end(int place) {
        return place == 0 ? grammar.terminal(grammar.literal("]")) : grammar.terminal(grammar.space(), grammar.literal("]"));
    }
}
