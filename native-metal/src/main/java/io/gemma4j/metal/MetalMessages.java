package io.gemma4j.metal;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Every message that is sent to Metal and Foundation, with arguments in the order of Apple's headers. None returns a struct. */
final class MetalMessages {
    /** {@code MTLSize}: width, height, depth. */
    static final StructLayout SIZE = MemoryLayout.structLayout(JAVA_LONG.withName("width"), JAVA_LONG.withName("height"), JAVA_LONG.withName("depth"));

    private static final List<Message> ALL = new ArrayList<>();

    static final Message release = object("NSObject", "release", null);
    static final Message retain = object("NSObject", "retain", ADDRESS);
    static final Message respondsToSelector = object("NSObject", "respondsToSelector:", JAVA_BOOLEAN, ADDRESS);
    static final Message stringWithUTF8String = ofClass("NSString", "stringWithUTF8String:", ADDRESS, ADDRESS);
    static final Message utf8String = object("NSString", "UTF8String", ADDRESS);
    static final Message localizedDescription = object("NSError", "localizedDescription", ADDRESS);
    static final Message count = object("NSArray", "count", JAVA_LONG);
    static final Message objectAtIndex = object("NSArray", "objectAtIndex:", ADDRESS, JAVA_LONG);

    static final Message name = object("MTLDevice", "name", ADDRESS);
    static final Message supportsFamily = object("MTLDevice", "supportsFamily:", JAVA_BOOLEAN, JAVA_LONG);
    static final Message hasUnifiedMemory = object("MTLDevice", "hasUnifiedMemory", JAVA_BOOLEAN);
    static final Message recommendedMaxWorkingSetSize = object("MTLDevice", "recommendedMaxWorkingSetSize", JAVA_LONG);
    static final Message currentAllocatedSize = object("MTLDevice", "currentAllocatedSize", JAVA_LONG);
    static final Message maxBufferLength = object("MTLDevice", "maxBufferLength", JAVA_LONG);
    static final Message maxThreadgroupMemoryLength = object("MTLDevice", "maxThreadgroupMemoryLength", JAVA_LONG);
    static final Message newCommandQueue = object("MTLDevice", "newCommandQueue", ADDRESS);
    static final Message newBufferWithLength = object("MTLDevice", "newBufferWithLength:options:", ADDRESS, JAVA_LONG, JAVA_LONG);
    static final Message newBufferWithBytesNoCopy =
            object("MTLDevice", "newBufferWithBytesNoCopy:length:options:deallocator:", ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS);
    static final Message newLibraryWithSource = object("MTLDevice", "newLibraryWithSource:options:error:", ADDRESS, ADDRESS, ADDRESS, ADDRESS);
    static final Message newComputePipelineState = object("MTLDevice", "newComputePipelineStateWithFunction:error:", ADDRESS, ADDRESS, ADDRESS);
    /** Since macOS 15. */
    static final Message newResidencySet = object("MTLDevice", "newResidencySetWithDescriptor:error:", ADDRESS, ADDRESS, ADDRESS);

    static final Message newCompileOptions = ofClass("MTLCompileOptions", "new", ADDRESS);
    static final Message setLanguageVersion = object("MTLCompileOptions", "setLanguageVersion:", null, JAVA_LONG);
    static final Message setFastMathEnabled = object("MTLCompileOptions", "setFastMathEnabled:", null, JAVA_BOOLEAN);
    static final Message newFunctionConstantValues = ofClass("MTLFunctionConstantValues", "new", ADDRESS);
    static final Message setConstantValue = object("MTLFunctionConstantValues", "setConstantValue:type:atIndex:", null, ADDRESS, JAVA_LONG, JAVA_LONG);
    static final Message newFunction = object("MTLLibrary", "newFunctionWithName:constantValues:error:", ADDRESS, ADDRESS, ADDRESS, ADDRESS);
    static final Message maxTotalThreadsPerThreadgroup = object("MTLComputePipelineState", "maxTotalThreadsPerThreadgroup", JAVA_LONG);
    static final Message threadExecutionWidth = object("MTLComputePipelineState", "threadExecutionWidth", JAVA_LONG);

    static final Message contents = object("MTLBuffer", "contents", ADDRESS);

    static final Message newResidencySetDescriptor = ofClass("MTLResidencySetDescriptor", "new", ADDRESS);
    static final Message addAllocation = object("MTLResidencySet", "addAllocation:", null, ADDRESS);
    static final Message commitResidency = object("MTLResidencySet", "commit", null);
    static final Message requestResidency = object("MTLResidencySet", "requestResidency", null);
    static final Message endResidency = object("MTLResidencySet", "endResidency", null);
    static final Message addResidencySet = object("MTLCommandQueue", "addResidencySet:", null, ADDRESS);

    static final Message commandBuffer = object("MTLCommandQueue", "commandBuffer", ADDRESS);
    static final Message computeCommandEncoder = object("MTLCommandBuffer", "computeCommandEncoderWithDispatchType:", ADDRESS, JAVA_LONG);
    static final Message commit = object("MTLCommandBuffer", "commit", null);
    static final Message waitUntilCompleted = object("MTLCommandBuffer", "waitUntilCompleted", null);
    static final Message status = object("MTLCommandBuffer", "status", JAVA_LONG);
    static final Message error = object("MTLCommandBuffer", "error", ADDRESS);

    static final Message setComputePipelineState = object("MTLComputeCommandEncoder", "setComputePipelineState:", null, ADDRESS);
    static final Message setBuffer = object("MTLComputeCommandEncoder", "setBuffer:offset:atIndex:", null, ADDRESS, JAVA_LONG, JAVA_LONG);
    static final Message setBufferOffset = object("MTLComputeCommandEncoder", "setBufferOffset:atIndex:", null, JAVA_LONG, JAVA_LONG);
    static final Message setBytes = object("MTLComputeCommandEncoder", "setBytes:length:atIndex:", null, ADDRESS, JAVA_LONG, JAVA_LONG);
    static final Message setThreadgroupMemoryLength = object("MTLComputeCommandEncoder", "setThreadgroupMemoryLength:atIndex:", null, JAVA_LONG, JAVA_LONG);
    static final Message dispatchThreadgroups = object("MTLComputeCommandEncoder", "dispatchThreadgroups:threadsPerThreadgroup:", null, SIZE, SIZE);
    static final Message memoryBarrier = object("MTLComputeCommandEncoder", "memoryBarrierWithScope:", null, JAVA_LONG);
    static final Message endEncoding = object("MTLComputeCommandEncoder", "endEncoding", null);

    private MetalMessages() {}

    /** All of them. */
    static List<Message> all() {
        return Collections.unmodifiableList(ALL);
    }

    private static Message object(String owner, String name, MemoryLayout result, MemoryLayout... arguments) {
        Message message = Message.toObject(owner, name, result, arguments);
        ALL.add(message);
        return message;
    }

    private static Message ofClass(String owner, String name, MemoryLayout result, MemoryLayout... arguments) {
        Message message = Message.toClass(owner, name, result, arguments);
        ALL.add(message);
        return message;
    }
}
