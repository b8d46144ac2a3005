/** Many prompts, one after the other, from a file of JSON lines to another. */
package io.gemma4j.examples.batch;
