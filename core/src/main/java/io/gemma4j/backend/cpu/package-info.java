/** The CPU backend. Scalar classes are the specification; {@link io.gemma4j.backend.cpu.vector} holds the fast ones. */
package io.gemma4j.backend.cpu;
