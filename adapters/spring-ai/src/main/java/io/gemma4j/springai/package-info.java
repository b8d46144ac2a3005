/** Gemma 4 models as chat models of Spring AI, and their configuration by Spring Boot. */
package io.gemma4j.springai;
