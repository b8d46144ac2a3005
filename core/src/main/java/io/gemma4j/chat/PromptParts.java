package io.gemma4j.chat;

import java.util.ArrayList;
import java.util.List;

/** Collects the parts of a prompt; texts that follow each other become one, since tokens may reach across their border. */
final class PromptParts {
    static final String QUOTE = "<|\"|>";

    private final List<PromptPart> parts = new ArrayList<>();
    private final StringBuilder text = new StringBuilder();

    PromptParts text(String more) {
        text.append(more);
        return this;
    }

    PromptParts control(String token) {
        endText();
        parts.add(new PromptPart.Control(token));
        return this;
    }

    /** A text between two quote tokens. */
    PromptParts quoted(String more) {
        return control(QUOTE).text(more).control(QUOTE);
    }

    List<PromptPart> toList() {
        endText();
        return List.copyOf(parts);
    }

    private void endText() {
        if (!text.isEmpty()) {
            parts.add(new PromptPart.Text(text.toString()));
            text.setLength(0);
        }
    }
}
