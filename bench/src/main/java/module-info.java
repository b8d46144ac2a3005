/** Measures speed, and makes the models to measure it with. */
module io.gemma4j.bench {
    requires io.gemma4j.core;
    requires transitive info.picocli;

    exports io.gemma4j.bench;

    opens io.gemma4j.bench to info.picocli;
}
