package io.gemma4j.chat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads one JSON text, strictly as RFC 8259 has it. */
final class JsonReader {
    private static final int MAX_DEPTH = 500;

    private final String text;
    private int at;
    private int depth;

    JsonReader(String text) {
        this.text = text;
    }

    Object read() {
        Object value = value();
        if (at < text.length()) {
            throw unexpected("the end");
        }
        return value;
    }

    // With the white space around it.
    private Object value() {
        skipSpace();
        Object value = switch (peek()) {
            case '{' -> object();
            case '[' -> array();
            case '"' -> string();
            case 't' -> word("true", true);
            case 'f' -> word("false", false);
            case 'n' -> word("null", null);
            default -> number();
        };
        skipSpace();
        return value;
    }

    private Map<String, Object> object() {
        Map<String, Object> map = new LinkedHashMap<>();
        enter();
        if (!closes('}')) {
            do {
                skipSpace();
                int start = at;
                String key = string();
                if (map.containsKey(key)) {
                    at = start;
                    throw unexpected("a key that is not there already");
                }
                skipSpace();
                take(':');
                map.put(key, value());
            } while (continues('}'));
        }
        depth--;
        return map;
    }

    private List<Object> array() {
        List<Object> list = new ArrayList<>();
        enter();
        if (!closes(']')) {
            do {
                list.add(value());
            } while (continues(']'));
        }
        depth--;
        return list;
    }

    private void enter() {
        if (++depth > MAX_DEPTH) {
            throw unexpected("at most " + MAX_DEPTH + " levels");
        }
        at++;
        skipSpace();
    }

    private boolean closes(char end) {
        if (peek() != end) {
            return false;
        }
        at++;
        return true;
    }

    private boolean continues(char end) {
        if (peek() == ',') {
            at++;
            return true;
        }
        take(end);
        return false;
    }

    private String string() {
        take('"');
        StringBuilder out = new StringBuilder();
        while (peek() != '"') {
            int c = peek();
            if (c < ' ') {
                throw unexpected("the rest of a string, control characters escaped");
            }
            at++;
            out.append(c == '\\' ? escaped() : (char) c);
        }
        at++;
        return out.toString();
    }

    private char escaped() {
        int c = peek();
        at++;
        return switch (c) {
            case '"', '\\', '/' -> (char) c;
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'u' -> codeUnit();
            default -> {
                at--;
                throw unexpected("an escape");
            }
        };
    }

    private char codeUnit() {
        int value = 0;
        for (int i = 0; i < 4; i++, at++) {
            int digit = peek() < 128 ? Character.digit(peek(), 16) : -1;
            if (digit < 0) {
                throw unexpected("four hexadecimal digits");
            }
            value = 16 * value + digit;
        }
        return (char) value;
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) {
            throw unexpected("a value");
        }
        at += word.length();
        return value;
    }

    private Number number() {
        int end = at;
        while (end < text.length() && "+-.0123456789eE".indexOf(text.charAt(end)) >= 0) {
            end++;
        }
        Number number = NumberText.parse(text.substring(at, end)).orElseThrow(() -> unexpected("a value"));
        at = end;
        return number;
    }

    private void take(char expected) {
        if (peek() != expected) {
            throw unexpected("'" + expected + "'");
        }
        at++;
    }

    // The next character, or -1 at the end.
    private int peek() {
        return at < text.length() ? text.charAt(at) : -1;
    }

    private void skipSpace() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private IllegalArgumentException unexpected(String expected) {
        String found = at < text.length() ? "'" + text.substring(at, Math.min(text.length(), at + 20)) + "'" : "the end";
        return new IllegalArgumentException("no JSON: expected " + expected + " at character " + at + ", found " + found);
    }
}
