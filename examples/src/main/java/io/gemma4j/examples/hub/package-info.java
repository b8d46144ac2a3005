/** Model files from the Hugging Face Hub, in the cache that its other programs use. */
package io.gemma4j.examples.hub;
