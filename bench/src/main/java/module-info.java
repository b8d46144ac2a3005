/** Measures speed, and makes the models to measure it with. */
@SuppressWarnings("requires-automatic") // XChart is a module only by its jar's manifest
module io.gemma4j.bench {
    requires io.gemma4j.core;
    requires com.fasterxml.jackson.databind;
    requires transitive info.picocli;
    requires java.desktop;
    requires java.management;
    requires org.knowm.xchart;
    requires static jdk.incubator.vector;

    exports io.gemma4j.bench;

    opens io.gemma4j.bench to info.picocli;
    opens io.gemma4j.bench.measure to com.fasterxml.jackson.databind;
}
