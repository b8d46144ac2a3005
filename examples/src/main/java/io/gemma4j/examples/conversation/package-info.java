/** Conversations as JSON, in the shape of the OpenAI API. */
package io.gemma4j.examples.conversation;
