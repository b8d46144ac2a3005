package io.gemma4j;

import java.time.Duration;

/**
 * Where the time of a generation went.
 *
 * @param load loading the model, once, before any generation
 * @param timeToFirstToken from the start of the generation to its first token
 * @param prefill processing the prompt
 * @param decode everything after the first token
 */
public record Timings(Duration load, Duration timeToFirstToken, Duration prefill, Duration decode) {}
