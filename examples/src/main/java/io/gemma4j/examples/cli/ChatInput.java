package io.gemma4j.examples.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/** Where the user's side of a conversation comes from. */
interface ChatInput extends AutoCloseable {

    /** What the user says next, or null at the end. */
    String next() throws IOException;

    /** From here on Ctrl-C calls this, until the next question. Where there is no terminal this does nothing. */
    default void onInterrupt(Runnable action) {}

    @Override
    void close() throws IOException;

    /** A terminal if there is one, else one question in each line of standard input. */
    static ChatInput of(StandardStreams streams) throws IOException {
        return streams.in() == System.in && CLibrary.isTerminal(0) && CLibrary.isTerminal(1) ? new TerminalInput() : new Lines(streams);
    }

    /** Lines of a file or pipe. */
    final class Lines implements ChatInput {
        private final BufferedReader reader;

        private Lines(StandardStreams streams) {
            reader = new BufferedReader(new InputStreamReader(streams.in(), StandardCharsets.UTF_8));
        }

        @Override
        public String next() throws IOException {
            return reader.readLine();
        }

        @Override
        public void close() {
            // Standard input is not ours.
        }
    }
}
