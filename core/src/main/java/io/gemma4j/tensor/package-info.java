/** Quantized matrices and the block formats that decode them. */
package io.gemma4j.tensor;
