package io.gemma4j.metal;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * A message: a method of an Objective-C class with its prototype. Immutable; a record, so that the compiler takes the handle for a constant.
 *
 * @param owner class or protocol that has the method
 * @param ofClass whether the class itself receives it, not an object
 * @param name e.g. {@code setBuffer:offset:atIndex:}
 * @param selector the runtime's name of it, or null where there is no runtime
 * @param descriptor of the C function: receiver, selector, arguments
 * @param handle takes the receiver and the arguments; null where there is no runtime
 */
record Message(String owner, boolean ofClass, String name, MemorySegment selector, FunctionDescriptor descriptor, MethodHandle handle) {

    /** A message to objects; {@code result} is null for none. */
    static Message toObject(String owner, String name, MemoryLayout result, MemoryLayout... arguments) {
        return of(owner, false, name, result, arguments);
    }

    /** A message to the class; {@code result} is null for none. */
    static Message toClass(String owner, String name, MemoryLayout result, MemoryLayout... arguments) {
        return of(owner, true, name, result, arguments);
    }

    private static Message of(String owner, boolean ofClass, String name, MemoryLayout result, MemoryLayout... arguments) {
        FunctionDescriptor descriptor = ObjectiveC.messageDescriptor(result, arguments);
        MemorySegment selector = ObjectiveC.selector(name);
        return new Message(owner, ofClass, name, selector, descriptor, ObjectiveC.messageHandle(selector, descriptor));
    }

    @Override
    public String toString() {
        return (ofClass ? "+[" : "-[") + owner + " " + name + "]";
    }
}
