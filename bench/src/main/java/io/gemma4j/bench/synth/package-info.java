/** Models of real shapes and types with random weights. */
package io.gemma4j.bench.synth;
