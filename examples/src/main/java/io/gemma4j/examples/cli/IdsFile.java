package io.gemma4j.examples.cli;

import io.gemma4j.Gemma4Exception;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Prompts as token ids: one prompt a line, ids separated by spaces; blank lines are skipped.
 *
 * @param file where they come from
 * @param prompts at least one
 */
record IdsFile(Path file, List<Prompt> prompts) {

    /**
     * One line.
     *
     * @param line its number, from 1
     * @param ids at least one
     */
    record Prompt(int line, int[] ids) {}

    /**
     * Reads a file.
     *
     * @throws IOException if it cannot be read or is not UTF-8
     * @throws Gemma4Exception if an id is no number, naming line and id, or there is no prompt
     */
    static IdsFile read(Path file) throws IOException {
        List<Prompt> prompts = new ArrayList<>();
        int line = 0;
        for (String text : TextFile.read(file).lines().toList()) {
            line++;
            if (!text.isBlank()) {
                prompts.add(new Prompt(line, ids(file, line, text.strip().split("\\s+"))));
            }
        }
        if (prompts.isEmpty()) {
            throw new Gemma4Exception(file + ": expected a line of token ids, found none");
        }
        return new IdsFile(file, List.copyOf(prompts));
    }

    private static int[] ids(Path file, int line, String[] words) {
        int[] ids = new int[words.length];
        for (int i = 0; i < ids.length; i++) {
            try {
                ids[i] = Integer.parseInt(words[i]);
            } catch (NumberFormatException e) {
                throw new Gemma4Exception(file + ": line " + line + ": expected a token id, found '" + words[i] + "'", e);
            }
        }
        return ids;
    }

    /**
     * Compares with a model.
     *
     * @throws Gemma4Exception if an id is no token or a prompt is too long, naming the line
     */
    void requireFits(int vocabulary, int contextTokens) {
        for (Prompt prompt : prompts) {
            for (int id : prompt.ids()) {
                if (id < 0 || id >= vocabulary) {
                    throw new Gemma4Exception(
                            file + ": line " + prompt.line() + ": expected a token id from 0 to " + (vocabulary - 1) + ", found " + id);
                }
            }
            if (prompt.ids().length > contextTokens) {
                throw new Gemma4Exception(file + ": line " + prompt.line() + ": expected at most " + contextTokens
                        + " tokens, the context length, found " + prompt.ids().length + "; a larger --context may help");
            }
        }
    }
}
