package io.gemma4j.metal;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.gemma4j.metal.fake.FakeMetal;
import io.gemma4j.metal.fake.MetalDriver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodType;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;

/** What a program could do wrong with Metal, by messages of its own: the fake driver has to notice each. */
@ExtendWith(MetalDriver.class)
class DriverMisuseTest {
    private static final String SOURCE = "kernel void k(device float * o [[buffer(0)]], uint i [[thread_position_in_grid]]) { o[i] = 1.0f; }";

    /** Objects for one misuse; those that are made here are given back. */
    private static final class Objects implements AutoCloseable {
        final MetalDevice device = MetalDevice.open();
        final Arena arena = Arena.ofConfined();
        final AutoreleasePool pool = new AutoreleasePool();
        final CommandQueue queue = new CommandQueue(device);
        final MetalBuffer buffer = MetalBuffer.allocate(device, "a test", 64);
        final MemorySegment library = KernelCompiler.compile(device.handle(), "k", SOURCE);
        final MemorySegment pipeline = KernelCompiler.pipeline(device.handle(), library, "k", FunctionConstants.NONE);
        final MemorySegment commands = ObjectiveC.pointer(() -> (MemorySegment) MetalMessages.commandBuffer.handle().invokeExact(queue.handle()));
        private boolean ended;
        private MemorySegment encoder;

        MemorySegment encoder() {
            if (encoder == null) {
                encoder = newEncoder();
            }
            return encoder;
        }

        MemorySegment newEncoder() {
            return ObjectiveC.pointer(() -> (MemorySegment) MetalMessages.computeCommandEncoder.handle().invokeExact(commands, 1L));
        }

        void end() {
            ended = true;
            ObjectiveC.run(() -> { MetalMessages.endEncoding.handle().invokeExact(encoder()); });
        }

        void setPipeline() {
            ObjectiveC.run(() -> { MetalMessages.setComputePipelineState.handle().invokeExact(encoder(), pipeline); });
        }

        void setBuffer(long offset, long index) {
            ObjectiveC.run(() -> { MetalMessages.setBuffer.handle().invokeExact(encoder(), buffer.handle(), offset, index); });
        }

        void dispatch(long groups, long threads) {
            MemorySegment first = arena.allocate(MetalMessages.SIZE);
            MemorySegment second = arena.allocate(MetalMessages.SIZE);
            for (int i = 0; i < 3; i++) {
                first.setAtIndex(JAVA_LONG, i, i == 0 ? groups : 1);
                second.setAtIndex(JAVA_LONG, i, i == 0 ? threads : 1);
            }
            ObjectiveC.run(() -> { MetalMessages.dispatchThreadgroups.handle().invokeExact(encoder(), first, second); });
        }

        void commit() {
            ObjectiveC.run(() -> { MetalMessages.commit.handle().invokeExact(commands); });
        }

        void await() {
            ObjectiveC.run(() -> { MetalMessages.waitUntilCompleted.handle().invokeExact(commands); });
        }

        @Override
        public void close() {
            if (encoder != null && !ended) {
                end();
            }
            ObjectiveC.release(pipeline);
            ObjectiveC.release(library);
            buffer.close();
            pool.close();
            queue.close();
            device.close();
            arena.close();
        }
    }

    @FunctionalInterface
    private interface Misuse {
        void of(Objects objects) throws Exception;
    }

    private static DynamicTest noticed(String problem, Misuse misuse) {
        return dynamicTest(problem, () -> {
            FakeMetal fake = MetalDriver.fake();
            try (Objects objects = new Objects()) {
                assertEquals(List.of(), fake.takeProblems());
                misuse.of(objects);
            }
            List<String> problems = fake.takeProblems();
            assertTrue(problems.stream().anyMatch(each -> each.contains(problem)), problems.toString());
        });
    }

    @TestFactory
    Stream<DynamicTest> theFakeDriverNoticesMisuse() {
        MetalDriver.fake();
        return Stream.of(
                noticed("unrecognized selector", o -> send(o.buffer.handle(), Message.toObject("MTLBuffer", "noSuchMethod", null))),
                noticed("is not from sel_registerName", o -> send(o.buffer.handle(), foreignSelector(o.arena))),
                noticed("is not an object", o -> send(o.arena.allocate(64), MetalMessages.release)),
                noticed("was freed before", DriverMisuseTest::useAfterRelease),
                noticed("without a pool", o -> onAnotherThread(() -> ObjectiveC.release(
                        ObjectiveC.pointer(() -> (MemorySegment) MetalMessages.name.handle().invokeExact(o.device.handle()))))),
                noticed("pushed on another thread", o -> onAnotherThread(() -> new AutoreleasePoolOf(pushed()).close())),
                noticed("an object is nil", o -> pointer(o.encoder(), MetalMessages.setComputePipelineState, MemorySegment.NULL)),
                noticed("is of the wrong class", o -> pointer(o.encoder(), MetalMessages.setComputePipelineState, o.buffer.handle())),
                noticed("no pipeline state is set", o -> o.dispatch(1, 1)),
                noticed("where 'k' takes up to 1024", o -> {
                    o.setPipeline();
                    o.dispatch(1, 1025);
                }),
                noticed("(0, 1, 1) threadgroups", o -> {
                    o.setPipeline();
                    o.dispatch(0, 32);
                }),
                noticed("index 31 is beyond 30", o -> o.setBuffer(0, 31)),
                noticed("offset 64 is beyond the buffer's 64 bytes", o -> o.setBuffer(64, 0)),
                noticed("offset 2 is not a multiple of 4", o -> o.setBuffer(2, 0)),
                noticed("no buffer is bound at index 3",
                        o -> ObjectiveC.run(() -> { MetalMessages.setBufferOffset.handle().invokeExact(o.encoder(), 4L, 3L); })),
                noticed("expected 1 to 4096 bytes, found 4097",
                        o -> ObjectiveC.run(() -> { MetalMessages.setBytes.handle().invokeExact(o.encoder(), o.arena.allocate(4097), 4097L, 0L); })),
                noticed("expected a multiple of 16", o -> threadgroupMemory(o, 20)),
                noticed("up to 32768, found 32784", o -> threadgroupMemory(o, 32784)),
                noticed("does not cover buffers", o -> ObjectiveC.run(() -> { MetalMessages.memoryBarrier.handle().invokeExact(o.encoder(), 2L); })),
                noticed("after endEncoding", o -> {
                    o.end();
                    o.setPipeline();
                }),
                noticed("the encoder before is still open", o -> {
                    o.encoder();
                    MemorySegment second = o.newEncoder();
                    ObjectiveC.run(() -> { MetalMessages.endEncoding.handle().invokeExact(second); });
                }),
                noticed("commit while an encoder is open", o -> {
                    o.encoder();
                    o.commit();
                    o.await();
                }),
                noticed("is committed twice", o -> {
                    o.commit();
                    o.commit();
                    o.await();
                }),
                noticed("waitUntilCompleted before commit", Objects::await),
                noticed("no buffer is bound at index 0", o -> {
                    o.setPipeline();
                    o.dispatch(1, 1);
                    o.end();
                    o.commit();
                    o.await();
                }),
                noticed("are not whole pages", o -> wrap(o, o.arena.allocate(2 * MetalBuffer.PAGE_BYTES, MetalBuffer.PAGE_BYTES).asSlice(64),
                        MetalBuffer.PAGE_BYTES)),
                noticed("is not a type of function constants", DriverMisuseTest::unknownConstantType),
                noticed("is not (major << 16) + minor", DriverMisuseTest::unknownLanguage));
    }

    private static void send(MemorySegment receiver, Message message) {
        ObjectiveC.run(() -> { message.handle().asType(MethodType.methodType(void.class, MemorySegment.class)).invokeExact(receiver); });
    }

    private static void pointer(MemorySegment receiver, Message message, MemorySegment argument) {
        ObjectiveC.run(() -> { message.handle().invokeExact(receiver, argument); });
    }

    private static Message foreignSelector(Arena arena) {
        MemorySegment selector = arena.allocateFrom("release");
        return new Message("NSObject", false, "release", selector, MetalMessages.release.descriptor(),
                ObjectiveC.messageHandle(selector, MetalMessages.release.descriptor()));
    }

    private static void useAfterRelease(Objects objects) {
        MetalBuffer freed = MetalBuffer.allocate(objects.device, "a test", 16);
        freed.close();
        send(freed.handle(), MetalMessages.contents);
    }

    private static void onAnotherThread(Runnable misuse) throws InterruptedException {
        Thread thread = Thread.ofPlatform().start(misuse);
        thread.join();
    }

    /** A pool that was pushed by whoever made the token. */
    private record AutoreleasePoolOf(MemorySegment token) {
        void close() {
            ObjectiveC.run(() -> { ObjectiveC.objc_autoreleasePoolPop.invokeExact(token); });
        }
    }

    private static MemorySegment pushed() {
        MemorySegment[] token = new MemorySegment[1];
        try {
            onAnotherThread(() -> token[0] = ObjectiveC.pointer(() -> (MemorySegment) ObjectiveC.objc_autoreleasePoolPush.invokeExact()));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        return token[0];
    }

    private static void threadgroupMemory(Objects objects, long bytes) {
        ObjectiveC.run(() -> { MetalMessages.setThreadgroupMemoryLength.handle().invokeExact(objects.encoder(), bytes, 0L); });
    }

    private static void wrap(Objects objects, MemorySegment start, long bytes) {
        ObjectiveC.pointer(() -> (MemorySegment) MetalMessages.newBufferWithBytesNoCopy.handle().invokeExact(objects.device.handle(), start, bytes, 0L,
                MemorySegment.NULL));
    }

    private static void unknownConstantType(Objects objects) {
        MemorySegment owner = ObjectiveC.classNamed("MTLFunctionConstantValues");
        MemorySegment values = ObjectiveC.pointer(() -> (MemorySegment) MetalMessages.newFunctionConstantValues.handle().invokeExact(owner));
        ObjectiveC.run(() -> { MetalMessages.setConstantValue.handle().invokeExact(values, objects.arena.allocate(ADDRESS), 99L, 0L); });
        ObjectiveC.release(values);
    }

    private static void unknownLanguage(Objects objects) {
        MemorySegment owner = ObjectiveC.classNamed("MTLCompileOptions");
        MemorySegment options = ObjectiveC.pointer(() -> (MemorySegment) MetalMessages.newCompileOptions.handle().invokeExact(owner));
        ObjectiveC.run(() -> { MetalMessages.setLanguageVersion.handle().invokeExact(options, 31L); });
        ObjectiveC.release(options);
    }
}
