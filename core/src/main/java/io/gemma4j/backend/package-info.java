/**
 * What a backend implements: memory for weights, activations and key/value caches, the operations of the forward pass, and, where it can do
 * better than their composition, whole blocks. Backends are found with {@link java.util.ServiceLoader}.
 */
package io.gemma4j.backend;
