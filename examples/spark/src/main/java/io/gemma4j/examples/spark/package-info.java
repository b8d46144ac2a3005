/** A dataset of prompts, answered on as many machines as Spark has. */
package io.gemma4j.examples.spark;
