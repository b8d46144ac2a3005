/** Pictures of measured speeds. */
package io.gemma4j.bench.plot;
