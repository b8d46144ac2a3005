/** The command {@code bench}: measures speed, and makes the models to measure it with. */
package io.gemma4j.bench;
