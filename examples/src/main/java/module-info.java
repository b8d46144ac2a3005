/** The {@code gemma4} command line and examples of the library's use. An application, not a library: it exports nothing. */
@SuppressWarnings("requires-automatic") // Micrometer has no module descriptors
module io.gemma4j.examples {
    requires io.gemma4j.bench;
    requires io.gemma4j.core;
    requires java.net.http;
    requires info.picocli;
    requires org.jline.reader;
    requires com.fasterxml.jackson.databind;
    requires io.helidon.webserver;
    requires micrometer.core;
    requires micrometer.registry.prometheus;
    requires org.slf4j;

    // picocli sets the fields that hold options.
    opens io.gemma4j.examples.cli to info.picocli;
}
