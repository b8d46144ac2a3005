package io.gemma4j.chat;

import io.gemma4j.Message;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Reads one call. What it reads are characters, and quote tokens, which are no characters. */
final class CallReader {
    private static final int MAX_DEPTH = 500;
    private static final int QUOTE = -1;
    private static final int END = -2;
    private static final int OTHER_CONTROL = -3;

    private final int[] symbols;
    private final String shown;
    private int at;
    private int depth;

    CallReader(List<PromptPart> parts) {
        symbols = parts.stream().flatMapToInt(CallReader::symbols).toArray();
        shown = parts.stream().map(PromptPart::toString).collect(Collectors.joining());
    }

    private static IntStream symbols(PromptPart part) {
        return switch (part) {
            case PromptPart.Text(String text) -> text.chars();
            case PromptPart.Control(String token) -> IntStream.of(token.equals(PromptParts.QUOTE) ? QUOTE : OTHER_CONTROL);
        };
    }

    Message.ToolCall call() {
        skipSpace();
        for (char c : "call:".toCharArray()) {
            take(c);
        }
        String name = bare("{");
        if (name.isEmpty()) {
            throw unexpected("the name of a tool");
        }
        Map<String, Object> arguments = object();
        skipSpace();
        if (peek() != END) {
            throw unexpected("the end");
        }
        return new Message.ToolCall(name, arguments);
    }

    private Object value() {
        skipSpace();
        return switch (peek()) {
            case '{' -> object();
            case '[' -> array();
            case QUOTE -> quoted();
            default -> word(bare(",}]"));
        };
    }

    private Object word(String word) {
        return switch (word) {
            case "true" -> true;
            case "false" -> false;
            case "null", "None" -> null;
            case "" -> throw unexpected("a value");
            default -> NumberText.parse(word).<Object>map(number -> number).orElse(word);
        };
    }

    private Map<String, Object> object() {
        Map<String, Object> map = new LinkedHashMap<>();
        enter('{');
        if (peek() != '}') {
            do {
                skipSpace();
                String key = peek() == QUOTE ? quoted() : bare(":,{}[]");
                skipSpace();
                take(':');
                if (map.containsKey(key)) {
                    throw unexpected("a key that is not there already, after '" + key + "'");
                }
                map.put(key, value());
            } while (continues());
        }
        leave('}');
        return map;
    }

    private List<Object> array() {
        List<Object> list = new ArrayList<>();
        enter('[');
        if (peek() != ']') {
            do {
                list.add(value());
            } while (continues());
        }
        leave(']');
        return list;
    }

    private void enter(char start) {
        if (++depth > MAX_DEPTH) {
            throw unexpected("at most " + MAX_DEPTH + " levels");
        }
        take(start);
        skipSpace();
    }

    private void leave(char end) {
        take(end);
        depth--;
    }

    private boolean continues() {
        skipSpace();
        if (peek() != ',') {
            return false;
        }
        at++;
        return true;
    }

    private String quoted() {
        take(QUOTE);
        int start = at;
        while (peek() >= 0) {
            at++;
        }
        String text = text(start, at);
        take(QUOTE);
        return text;
    }

    // What stands before one of these characters, or before a control token.
    private String bare(String ends) {
        int start = at;
        while (peek() >= 0 && ends.indexOf(peek()) < 0) {
            at++;
        }
        return TemplateText.trim(text(start, at));
    }

    private String text(int from, int to) {
        StringBuilder text = new StringBuilder(to - from);
        for (int i = from; i < to; i++) {
            text.append((char) symbols[i]);
        }
        return text.toString();
    }

    private void take(int expected) {
        if (peek() != expected) {
            throw unexpected(expected == QUOTE ? "a quote token" : "'" + (char) expected + "'");
        }
        at++;
    }

    private int peek() {
        return at < symbols.length ? symbols[at] : END;
    }

    private void skipSpace() {
        while (peek() >= 0 && Character.isWhitespace(peek())) {
            at++;
        }
    }

    private IllegalArgumentException unexpected(String expected) {
        return new IllegalArgumentException("no tool call: expected " + expected + " after '" + text(Math.max(0, Math.min(at, symbols.length) - 20))
                + "' in '" + shown + "'");
    }

    // For messages: up to the present place, quote tokens left out.
    private String text(int from) {
        return IntStream.range(from, at).filter(i -> symbols[i] >= 0).mapToObj(i -> Character.toString((char) symbols[i]))
                .collect(Collectors.joining());
    }
}
