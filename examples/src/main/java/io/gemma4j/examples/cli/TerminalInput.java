package io.gemma4j.examples.cli;

import java.io.IOException;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.reader.impl.DefaultParser;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;

/** Lines that are edited on a terminal, with a history. A backslash at the end of a line continues it; Ctrl-C empties it; Ctrl-D ends the input. */
final class TerminalInput implements ChatInput {
    private final Terminal terminal;
    private final LineReader reader;

    TerminalInput() throws IOException {
        terminal = TerminalBuilder.builder().system(true).nativeSignals(true).build();
        DefaultParser parser = new DefaultParser();
        parser.setQuoteChars(new char[0]); // an apostrophe is no quote
        parser.setEofOnEscapedNewLine(true);
        reader = LineReaderBuilder.builder().terminal(terminal).parser(parser).option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
                .variable(LineReader.SECONDARY_PROMPT_PATTERN, "| ").build();
    }

    @Override
    public String next() {
        while (true) {
            try {
                return reader.readLine("> ").replace("\\\n", "\n");
            } catch (UserInterruptException e) {
                terminal.writer().println("(/exit or Ctrl-D ends the conversation)");
            } catch (EndOfFileException e) {
                return null;
            }
        }
    }

    @Override
    public void onInterrupt(Runnable action) {
        terminal.handle(Terminal.Signal.INT, signal -> action.run());
    }

    @Override
    public void close() throws IOException {
        terminal.close();
    }
}
