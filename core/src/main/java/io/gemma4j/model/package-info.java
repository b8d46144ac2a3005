/** The Gemma 4 architecture: configuration, weights, the forward pass and the layout of its key/value cache. Knows no hardware. */
package io.gemma4j.model;
