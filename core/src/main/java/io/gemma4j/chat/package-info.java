/** Conversations as the model was trained on them. */
package io.gemma4j.chat;
