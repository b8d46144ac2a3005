package io.gemma4j.bench.jmh;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** What was read from memory, reported per second beside the operations. */
@AuxCounters(AuxCounters.Type.OPERATIONS)
@State(Scope.Thread)
public class Bytes {
    /** Gigabytes. */
    public double gigabytes;

    /** Starts an iteration. */
    @Setup(Level.Iteration)
    public void clear() {
        gigabytes = 0;
    }

    void add(long bytes) {
        gigabytes += bytes / 1e9;
    }
}
