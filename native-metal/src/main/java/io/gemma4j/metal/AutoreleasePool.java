package io.gemma4j.metal;

import java.lang.foreign.MemorySegment;

/**
 * A pool for the objects that methods return without giving them away; closing frees them. Opened and closed on one platform thread: on a
 * virtual thread nothing in between may block, since it could go on elsewhere.
 */
final class AutoreleasePool implements AutoCloseable {
    private final MemorySegment token = ObjectiveC.pointer(() -> (MemorySegment) ObjectiveC.objc_autoreleasePoolPush.invokeExact());

    @Override
    public void close() {
        ObjectiveC.run(() -> { ObjectiveC.objc_autoreleasePoolPop.invokeExact(token); });
    }
}
