package io.gemma4j.metal;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/**
 * Checks every message against this system before the first one with arguments is sent. Protocols are checked by the classes of objects that
 * have them, since these hold the code; such objects are made on the way, with messages whose prototypes have been checked before.
 */
final class SystemPrototypes {
    private static final long CONCURRENT = 1;

    private final Map<String, MemorySegment> owners = new HashMap<>();

    private SystemPrototypes() {}

    /**
     * Checks all messages.
     *
     * @throws MetalException that names the first message that is not as expected
     */
    static void require(MemorySegment device) {
        SystemPrototypes check = new SystemPrototypes();
        for (String name : new String[] {"NSObject", "NSString", "NSError", "NSArray", "MTLCompileOptions", "MTLFunctionConstantValues"}) {
            check.addClass(name, ObjectiveC.classNamed(name));
        }
        check.addObject("MTLDevice", device);
        try (AutoreleasePool _ = new AutoreleasePool()) {
            check.withCommands(device);
            check.withBuffer(device);
            check.withPipeline(device);
            if (ObjectiveC.responds(device, MetalMessages.newResidencySet)) {
                check.withResidencySet(device);
            }
        }
    }

    private void addObject(String owner, MemorySegment object) {
        addClass(owner, ObjectiveC.pointer(() -> (MemorySegment) ObjectiveC.object_getClass.invokeExact(object)));
    }

    private void addClass(String owner, MemorySegment found) {
        owners.put(owner, found);
        for (Message message : MetalMessages.all()) {
            if (message.owner().equals(owner) && !isOptional(message)) {
                String mismatch = PrototypeCheck.mismatch(message, found);
                if (mismatch != null) {
                    throw new MetalException(mismatch);
                }
            }
        }
    }

    /** Residency sets are newer than the oldest system that is supported. */
    private boolean isOptional(Message message) {
        boolean residency = message == MetalMessages.newResidencySet || message == MetalMessages.addResidencySet;
        return residency && ObjectiveC.isNil(ObjectiveC.pointer(() ->
                (MemorySegment) ObjectiveC.class_getInstanceMethod.invokeExact(owners.get(message.owner()), message.selector())));
    }

    private void withCommands(MemorySegment device) {
        MemorySegment queue = ObjectiveC.pointer(() -> (MemorySegment) MetalMessages.newCommandQueue.handle().invokeExact(device));
        try {
            addObject("MTLCommandQueue", queue);
            MemorySegment commands = ObjectiveC.pointer(() -> (MemorySegment) MetalMessages.commandBuffer.handle().invokeExact(queue));
            addObject("MTLCommandBuffer", commands);
            MemorySegment encoder =
                    ObjectiveC.pointer(() -> (MemorySegment) MetalMessages.computeCommandEncoder.handle().invokeExact(commands, CONCURRENT));
            try {
                addObject("MTLComputeCommandEncoder", encoder);
            } finally {
                // An encoder that is freed while it is open ends the process.
                ObjectiveC.run(() -> { MetalMessages.endEncoding.handle().invokeExact(encoder); });
            }
        } finally {
            ObjectiveC.release(queue);
        }
    }

    private void withBuffer(MemorySegment device) {
        MemorySegment buffer = ObjectiveC.pointer(() -> (MemorySegment) MetalMessages.newBufferWithLength.handle().invokeExact(device, 16L, 0L));
        try {
            addObject("MTLBuffer", buffer);
        } finally {
            ObjectiveC.release(buffer);
        }
    }

    private void withPipeline(MemorySegment device) {
        MemorySegment library = KernelCompiler.compile(device, "prototypes", "kernel void nothing() {}\n");
        try {
            addObject("MTLLibrary", library);
            MemorySegment pipeline = KernelCompiler.pipeline(device, library, "nothing", FunctionConstants.NONE);
            try {
                addObject("MTLComputePipelineState", pipeline);
            } finally {
                ObjectiveC.release(pipeline);
            }
        } finally {
            ObjectiveC.release(library);
        }
    }

    private void withResidencySet(MemorySegment device) {
        addClass("MTLResidencySetDescriptor", ObjectiveC.classNamed("MTLResidencySetDescriptor"));
        MemorySegment set = ResidencySet.make(device);
        try {
            addObject("MTLResidencySet", set);
        } finally {
            ObjectiveC.release(set);
        }
    }
}
