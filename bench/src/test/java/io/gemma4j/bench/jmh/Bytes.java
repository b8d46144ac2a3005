package io.gemma4j.bench.jmh;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** What was read from memory. In nanoseconds, its throughput is bytes per nanosecond, which is gigabytes per second. */
@AuxCounters(AuxCounters.Type.OPERATIONS)
@State(Scope.Thread)
public class Bytes {
    /** How many. */
    public long bytes;

    /** Starts an iteration. */
    @Setup(Level.Iteration)
    public void clear() {
        bytes = 0;
    }

    void add(long count) {
        bytes += count;
    }
}
