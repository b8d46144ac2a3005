package io.gemma4j.chat;

import java.util.List;
import java.util.Map;

/** How values are written in declarations, calls and results: as in JSON, but with quote tokens and with keys in alphabetical order. */
final class ValueSyntax {
    private static final String STRUCTURE = ":,{}[]";

    private final PromptParts out;
    private final boolean quoteKeys;

    /** @param quoteKeys whether keys are quoted, as in declarations, or bare, as in calls */
    ValueSyntax(PromptParts out, boolean quoteKeys) {
        this.out = out;
        this.quoteKeys = quoteKeys;
    }

    /**
     * Writes a value.
     *
     * @throws IllegalArgumentException if JSON has nothing like it
     */
    void write(Object value) {
        switch (value) {
            case null -> out.text("None");
            case String text -> out.quoted(text);
            case Boolean bool -> out.text(bool.toString());
            case Number number -> out.text(NumberText.format(number));
            case Map<?, ?> map -> object(map);
            case List<?> list -> array(list);
            default -> throw Json.notJson(value);
        }
    }

    void object(Map<?, ?> map) {
        @SuppressWarnings("unchecked")
        Map<String, Object> members = (Map<String, Object>) map;
        out.text("{");
        String separator = "";
        for (Map.Entry<String, Object> member : TemplateText.sorted(members)) {
            out.text(separator);
            key(member.getKey());
            out.text(":");
            write(member.getValue());
            separator = ",";
        }
        out.text("}");
    }

    // Bare keys that could not be told from structure are quoted after all.
    private void key(String key) {
        boolean plain = !key.isEmpty() && key.equals(TemplateText.trim(key)) && key.chars().noneMatch(c -> STRUCTURE.indexOf(c) >= 0);
        if (quoteKeys || !plain) {
            out.quoted(key);
        } else {
            out.text(key);
        }
    }

    private void array(List<?> list) {
        out.text("[");
        String separator = "";
        for (Object element : list) {
            out.text(separator);
            write(element);
            separator = ",";
        }
        out.text("]");
    }
}
