package io.gemma4j;

/**
 * Tokens a generation took.
 *
 * @param promptTokens tokens of the prompt, control tokens included
 * @param cachedTokens those of them that needed no work, because the session held them already
 * @param generatedTokens tokens of the answer, the one that ended it included
 */
public record TokenUsage(int promptTokens, int cachedTokens, int generatedTokens) {}
