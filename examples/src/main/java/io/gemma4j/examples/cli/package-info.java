/** The {@code gemma4} command line. */
package io.gemma4j.examples.cli;
