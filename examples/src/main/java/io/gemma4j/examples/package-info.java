/** What the examples share. */
package io.gemma4j.examples;
