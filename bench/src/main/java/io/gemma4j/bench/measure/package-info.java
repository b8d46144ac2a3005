/** Measuring how fast a model runs, and how fast it could. */
package io.gemma4j.bench.measure;
