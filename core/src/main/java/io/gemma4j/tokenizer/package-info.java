/** Text to token ids and back: rank-ordered byte pair encoding and an incremental UTF-8 decoder. */
package io.gemma4j.tokenizer;
