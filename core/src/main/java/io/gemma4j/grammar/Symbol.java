package io.gemma4j.grammar;

import java.util.ArrayList;
import java.util.List;

/** A part of a grammar. To be used under the lock of its grammar. */
sealed interface Symbol {
    /** Length of a text that is endless, as what only contains itself. */
    int ENDLESS = Integer.MAX_VALUE / 2;

    /** Bytes of the shortest text, {@link #ENDLESS} if there is none. */
    int shortestBytes();

    /** Something without nesting. Its expression is where an automaton begins. */
    record Terminal(Expression start, int shortestBytes) implements Symbol {}

    /** One of several sequences of symbols, which may contain the rule itself. Compared by identity. */
    final class Rule implements Symbol {
        private final List<List<Symbol>> alternatives = new ArrayList<>();
        private int shortestBytes = ENDLESS;

        void add(Symbol... sequence) {
            alternatives.add(List.of(sequence));
        }

        List<List<Symbol>> alternatives() {
            return alternatives;
        }

        @Override
        public int shortestBytes() {
            return shortestBytes;
        }

        /** Looks again how short its texts can be; says whether they are shorter than was known. */
        boolean measure() {
            int shortest = alternatives.stream().mapToInt(Rule::bytes).min().orElse(ENDLESS);
            boolean shorter = shortest < shortestBytes;
            shortestBytes = Math.min(shortest, shortestBytes);
            return shorter;
        }

        /** The first of the shortest alternatives, if there is an end to any. */
        List<Symbol> shortestAlternative() {
            return alternatives.stream().filter(alternative -> bytes(alternative) == shortestBytes).findFirst().orElseThrow();
        }

        /** Drops the alternatives that have no end. */
        void prune() {
            alternatives.removeIf(alternative -> bytes(alternative) >= ENDLESS);
        }

        private static int bytes(List<Symbol> sequence) {
            long sum = 0;
            for (Symbol symbol : sequence) {
                sum += symbol.shortestBytes();
            }
            return (int) Math.min(sum, ENDLESS);
        }
    }
}
