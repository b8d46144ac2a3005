package io.gemma4j.examples.evaluation;

/**
 * One prompt and what its continuation has to be.
 *
 * @param skill the group it counts for
 * @param prompt the whole prompt with its control tokens written out
 * @param maxTokens the most tokens of the continuation, the one that ends it included
 * @param match how the output is compared
 * @param expected what it is compared with
 */
public record EvaluationCase(String skill, String prompt, int maxTokens, Match match, String expected) {}
