/** Prompts with known answers, and how many of them a model gets right. */
package io.gemma4j.examples.evaluation;
