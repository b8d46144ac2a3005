/** The public API. */
package io.gemma4j;
