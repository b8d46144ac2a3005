package io.gemma4j.examples.cli;

import io.gemma4j.ContextOverflowException;
import io.gemma4j.Gemma4Exception;
import io.gemma4j.examples.cli.StandardStreams.OutputException;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.concurrent.CancellationException;

/** Tells a user in one line what went wrong, and a shell by the exit code. */
final class Failures {
    private final PrintStream err;
    private final boolean stackTraces;

    Failures(PrintStream err, boolean stackTraces) {
        this.err = err;
        this.stackTraces = stackTraces;
    }

    /** Prints the line; returns the exit code. */
    int report(Throwable failure) {
        if (failure instanceof CancellationException || failure instanceof ClosedByInterruptException) {
            return Gemma4Cli.INTERRUPTED;
        }
        if (failure instanceof OutputException output && output.isBrokenPipe()) {
            return Gemma4Cli.OK; // whoever read has seen enough
        }
        err.println("gemma4: " + line(failure).replaceAll("\\R", " "));
        if (stackTraces) {
            failure.printStackTrace(err);
        }
        return Gemma4Cli.FAILED;
    }

    private static String line(Throwable failure) {
        return switch (failure) {
            case OutputException e -> "standard output: " + e.getCause().getMessage();
            case UncheckedIOException e -> line(e.getCause());
            case NoSuchFileException e -> e.getFile() + ": " + (e.getReason() == null ? "there is no such file" : e.getReason());
            case AccessDeniedException e -> e.getFile() + ": permission denied";
            case FileSystemException e -> e.getMessage();
            case OutOfMemoryError e -> "out of memory (" + e.getMessage() + "): let Java have more, for example GEMMA4J_OPTS=-Xmx8g, "
                    + "or where a prompt is read, use a smaller --context or --chunk";
            case ContextOverflowException e -> "the prompt has " + e.promptTokens() + " tokens, but there is room for only " + e.contextTokens()
                    + ": shorten it or set a larger --context";
            case Gemma4Exception e -> e.getMessage();
            case IllegalArgumentException e when e.getMessage() != null -> e.getMessage();
            case IOException e when e.getMessage() != null -> e.getMessage();
            default -> "internal error: " + failure + " (--verbose shows where)";
        };
    }
}
