/** The CPU backend. */
package io.gemma4j.backend.cpu;
