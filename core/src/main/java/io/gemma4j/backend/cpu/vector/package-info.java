/** Row kernels on the Vector API, one class per storage type; the classes of {@link io.gemma4j.tensor} say what they compute. */
package io.gemma4j.backend.cpu.vector;
