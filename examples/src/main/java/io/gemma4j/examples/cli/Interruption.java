package io.gemma4j.examples.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Lets Ctrl-C end the work between construction and {@link #close()} in good order: the work is told to stop and has some seconds to do so, then
 * the JVM exits, with a code that says why. A second Ctrl-C ends the process at once.
 */
final class Interruption implements AutoCloseable {
    private static final int PATIENCE_SECONDS = 10;
    private static final int SIGINT = 2;

    private final Runnable stop;
    private final CountDownLatch finished = new CountDownLatch(1);
    private final Thread hook = new Thread(this::interrupt, "gemma4-interruption");
    private volatile boolean requested;

    /** @param stop tells the work to stop; called by another thread */
    Interruption(Runnable stop) {
        this.stop = stop;
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /** Whether the user has asked for the end. */
    boolean requested() {
        return requested;
    }

    private void interrupt() {
        requested = true;
        stop.run();
        // Java itself takes no notice of signals from here on.
        CLibrary.restoreDefaultAction(SIGINT);
        try {
            finished.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The work has finished and everything it wanted to say is said. */
    @Override
    public void close() {
        finished.countDown();
        if (!requested) {
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException e) {
                // The JVM has begun to exit just now; the hook finds the work finished.
            }
        }
    }
}
