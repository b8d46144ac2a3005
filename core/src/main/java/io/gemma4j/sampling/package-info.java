/** Chooses the next token from the logits: the sampler chain and its random numbers. Knows no model. */
package io.gemma4j.sampling;
