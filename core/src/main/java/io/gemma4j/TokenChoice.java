package io.gemma4j;

import io.gemma4j.sampling.Sampler;

/** How the next token is chosen from the logits. */
@FunctionalInterface
interface TokenChoice {

    /**
     * Chooses a token.
     *
     * @param sampler of the generation
     * @param logits one for each token; not to be changed
     */
    int choose(Sampler sampler, float[] logits);
}
