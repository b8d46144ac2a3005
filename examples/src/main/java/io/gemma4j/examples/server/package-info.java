/** An OpenAI-compatible server of one model, with a page to talk with it; {@code gemma4 serve} runs it. */
package io.gemma4j.examples.server;
