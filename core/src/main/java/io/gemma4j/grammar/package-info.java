/** Forms of texts, as JSON schemas and regular expressions give them, and which tokens keep to them. Knows no model. */
package io.gemma4j.grammar;
