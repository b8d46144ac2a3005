/** The GGUF file format: reader and writer. Knows no model. */
package io.gemma4j.gguf;
