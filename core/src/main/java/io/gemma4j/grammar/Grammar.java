package io.gemma4j.grammar;

import io.gemma4j.grammar.GrammarState.Thread;
import io.gemma4j.grammar.Symbol.Rule;
import io.gemma4j.grammar.Symbol.Terminal;
import java.io.ByteArrayOutputStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.WeakHashMap;

/**
 * The texts that are allowed, as a pushdown automaton over UTF-8 bytes: regular terminals within nested rules. Its states are made when they are
 * met. Thread-safe: what uses it takes turns.
 */
public final class Grammar {
    /** Nesting beyond this takes the shortest way out. */
    private static final int MAX_DEPTH = 200;
    /** States that are kept at most before all are forgotten; each takes about a kilobyte. */
    private static final int MAX_STATES = 8192;

    private final Expressions expressions;
    private final Continuation root;
    private final Map<GrammarState, GrammarState> states = new HashMap<>();
    private final Map<Continuation, GrammarState> starts = new HashMap<>();
    private final Map<TokenTrie, TokenMasks> masks = new WeakHashMap<>();

    private Grammar(Expressions expressions, Symbol root) {
        this.expressions = expressions;
        this.root = new Continuation(root, null);
    }

    /** The grammar of a JSON schema; {@code schema} is what a JSON reader makes of it. */
    public static Grammar ofJsonSchema(Object schema) {
        Expressions expressions = new Expressions();
        SchemaGrammar compiler = new SchemaGrammar(expressions, schema);
        return of(expressions, compiler.root(), compiler.rules()).orElseThrow(
                () -> new IllegalArgumentException("no JSON document satisfies the schema, or none that ends"));
    }

    /** The texts that match a regular expression as a whole. */
    public static Grammar ofRegex(String pattern) {
        Expressions expressions = new Expressions();
        Expression start = RegexParser.whole(expressions, new Utf8Characters(expressions)::of, pattern);
        return of(expressions, terminal(expressions, start), List.of()).orElseThrow(() -> new IllegalArgumentException("no text matches '" + pattern + "'"));
    }

    /** Some texts. */
    public static Grammar ofChoice(Collection<String> texts) {
        if (texts.isEmpty()) {
            throw new IllegalArgumentException("a choice needs at least one text, had none");
        }
        Expressions expressions = new Expressions();
        Expression start = expressions.choice(texts.stream().map(expressions::literal).toList());
        return of(expressions, terminal(expressions, start), List.of()).orElseThrow();
    }

    private static Optional<Grammar> of(Expressions expressions, Symbol root, List<Rule> rules) {
        boolean shorter = true;
        while (shorter) {
            shorter = false;
            for (Rule rule : rules) {
                shorter |= rule.measure();
            }
        }
        rules.forEach(Rule::prune);
        return root.shortestBytes() >= Symbol.ENDLESS ? Optional.empty() : Optional.of(new Grammar(expressions, root));
    }

    static Terminal terminal(Expressions expressions, Expression start) {
        return new Terminal(start, expressions.shortestBytes(start));
    }

    /** What is done from here to the next call is one piece of work, which may cost only so much. */
    void beginWork() {
        expressions.beginWork();
    }

    GrammarState start() {
        return start(root);
    }

    /** The state in which {@code continuation} has to come. */
    GrammarState start(Continuation continuation) {
        GrammarState known = starts.get(continuation);
        if (known == null) {
            Set<Thread> threads = new LinkedHashSet<>();
            boolean accepting = expand(continuation, threads, new HashSet<>());
            known = unique(threads, accepting);
            starts.put(continuation, known);
        }
        return known;
    }

    // Adds the ways to begin; says whether it may also be empty.
    private boolean expand(Continuation from, Set<Thread> threads, Set<Continuation> expanded) {
        boolean accepting = false;
        Deque<Optional<Continuation>> open = new ArrayDeque<>(List.of(Optional.ofNullable(from)));
        while (!open.isEmpty()) {
            Continuation continuation = open.pop().orElse(null);
            if (continuation == null) {
                accepting = true;
            } else if (expanded.add(continuation)) {
                expressions.count(1);
                for (Continuation next : begin(continuation, threads).reversed()) {
                    open.push(Optional.ofNullable(next)); // in their order, one after the other
                }
            }
        }
        return accepting;
    }

    // What is left to expand once the first symbol is.
    private List<Continuation> begin(Continuation continuation, Set<Thread> threads) {
        return switch (continuation.first) {
            case Terminal terminal -> begin(terminal.start(), continuation.rest, threads) ? Collections.singletonList(continuation.rest) : List.of();
            case Rule rule -> {
                List<Continuation> sequences = new ArrayList<>();
                boolean deep = continuation.depth > MAX_DEPTH;
                for (List<Symbol> alternative : deep ? List.of(rule.shortestAlternative()) : rule.alternatives()) {
                    Continuation sequence = continuation.rest;
                    for (Symbol symbol : alternative.reversed()) {
                        sequence = new Continuation(symbol, sequence);
                    }
                    sequences.add(sequence);
                }
                yield sequences;
            }
        };
    }

    // Whether it may also be empty, so that the rest begins as well.
    private boolean begin(Expression expression, Continuation rest, Set<Thread> threads) {
        if (expression != expressions.empty) {
            threads.add(new Thread(expression, rest));
        }
        return expression.nullable;
    }

    /** The state after a byte. */
    GrammarState after(GrammarState state, byte value) {
        GrammarState next = state.next[value & 0xff];
        if (next == null) {
            Set<Thread> threads = new LinkedHashSet<>();
            Set<Continuation> expanded = new HashSet<>();
            boolean accepting = false;
            expressions.count(state.threads.size());
            for (Thread thread : state.threads) {
                Expression rest = expressions.after(thread.expression(), value);
                if (rest != expressions.never) {
                    accepting |= begin(rest, thread.rest(), threads) && expand(thread.rest(), threads, expanded);
                }
            }
            next = unique(threads, accepting);
            state.next[value & 0xff] = next;
        }
        return next;
    }

    private GrammarState unique(Set<Thread> threads, boolean accepting) {
        if (states.size() > MAX_STATES) {
            states.keySet().forEach(state -> Arrays.fill(state.next, null));
            states.clear();
            starts.clear();
        }
        GrammarState made = new GrammarState(threads, accepting);
        GrammarState known = states.putIfAbsent(made, made);
        return known == null ? made : known;
    }

    /** A shortest text that completes one that has come to {@code state}. */
    byte[] shortest(GrammarState state) {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        if (!state.accepting) {
            Thread thread = state.threads.stream().min(Comparator.comparingInt(this::shortestBytes)).orElseThrow();
            expressions.writeShortest(thread.expression(), text);
            Deque<Symbol> symbols = new ArrayDeque<>();
            for (Continuation rest = thread.rest(); rest != null; rest = rest.rest) {
                symbols.add(rest.first);
            }
            while (!symbols.isEmpty()) {
                switch (symbols.remove()) {
                    case Terminal terminal -> expressions.writeShortest(terminal.start(), text);
                    case Rule rule -> rule.shortestAlternative().reversed().forEach(symbols::addFirst);
                }
            }
        }
        return text.toByteArray();
    }

    /** Its number of bytes. */
    int shortestBytes(GrammarState state) {
        return state.accepting ? 0 : state.threads.stream().mapToInt(this::shortestBytes).min().orElse(Symbol.ENDLESS);
    }

    private int shortestBytes(Thread thread) {
        return expressions.shortestBytes(thread.expression()) + Continuation.shortestBytes(thread.rest());
    }

    /** What may follow {@code expression} after a byte. */
    Expression after(Expression expression, byte value) {
        return expressions.after(expression, value);
    }

    /** An expression that reads texts of up to {@code bytes} bytes as {@code expression} does, and as many others like it. */
    Expression saturated(Expression expression, int bytes) {
        return expressions.saturated(expression, bytes);
    }

    boolean isNever(Expression expression) {
        return expression == expressions.never;
    }

    /** The masks of this grammar for a vocabulary. */
    synchronized TokenMasks masks(TokenTrie trie) {
        return masks.computeIfAbsent(trie, key -> new TokenMasks(this));
    }
}
