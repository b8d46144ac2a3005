/** Makes smaller model files: which tensor gets which block format, and the operation that writes a file in them. */
package io.gemma4j.quantize;
