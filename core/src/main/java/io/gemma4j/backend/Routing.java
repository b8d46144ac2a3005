package io.gemma4j.backend;

/** Which experts each row goes to, and with what weight: {@code [rows][expertsPerRow]} pairs in a backend's memory. */
public interface Routing {

    /** Experts each row goes to. */
    int expertsPerRow();
}
