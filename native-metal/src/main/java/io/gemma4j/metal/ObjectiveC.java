package io.gemma4j.metal;

import static java.lang.foreign.ValueLayout.ADDRESS;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The Objective-C runtime and the C functions of Metal: one handle for each function. Where a library or function is missing, handles are null
 * and {@link #unavailable()} says why; nothing else may be called then. Thread-safe.
 */
@SuppressWarnings("restricted") // memory and functions of the system
final class ObjectiveC {
    private static final boolean MACOS = System.getProperty("os.name").startsWith("Mac");

    // By name, not by path: on macOS these files exist only in the loader's cache. Elsewhere both are in the one that would be called Metal.
    private static final SymbolLookup RUNTIME = open(MACOS ? "/usr/lib/libobjc.A.dylib" : System.mapLibraryName("Metal"));
    private static final SymbolLookup METAL = open(MACOS ? "/System/Library/Frameworks/Metal.framework/Metal" : System.mapLibraryName("Metal"));
    private static final List<String> MISSING = new ArrayList<>();

    static final MethodHandle objc_getClass = link(RUNTIME, "objc_getClass", ADDRESS, ADDRESS);
    static final MethodHandle object_getClass = link(RUNTIME, "object_getClass", ADDRESS, ADDRESS);
    static final MethodHandle class_getInstanceMethod = link(RUNTIME, "class_getInstanceMethod", ADDRESS, ADDRESS, ADDRESS);
    static final MethodHandle class_getClassMethod = link(RUNTIME, "class_getClassMethod", ADDRESS, ADDRESS, ADDRESS);
    static final MethodHandle method_getTypeEncoding = link(RUNTIME, "method_getTypeEncoding", ADDRESS, ADDRESS);
    static final MethodHandle sel_registerName = link(RUNTIME, "sel_registerName", ADDRESS, ADDRESS);
    static final MethodHandle objc_autoreleasePoolPush = link(RUNTIME, "objc_autoreleasePoolPush", ADDRESS);
    static final MethodHandle objc_autoreleasePoolPop = link(RUNTIME, "objc_autoreleasePoolPop", null, ADDRESS);
    static final MethodHandle MTLCreateSystemDefaultDevice = link(METAL, "MTLCreateSystemDefaultDevice", ADDRESS);
    static final MethodHandle MTLCopyAllDevices = link(METAL, "MTLCopyAllDevices", ADDRESS);

    private static final MemorySegment MESSAGE_SEND = symbol(RUNTIME, "objc_msgSend");

    private ObjectiveC() {}

    /** A call with an object or pointer as its result. */
    @FunctionalInterface
    interface PointerCall {
        /** Calls the function. */
        MemorySegment invoke() throws Throwable;
    }

    /** A call with a number as its result. */
    @FunctionalInterface
    interface LongCall {
        /** Calls the function. */
        long invoke() throws Throwable;
    }

    /** A call without a result. */
    @FunctionalInterface
    interface VoidCall {
        /** Calls the function. */
        void invoke() throws Throwable;
    }

    private static SymbolLookup open(String library) {
        try {
            if (MACOS) {
                // A program without windows gets no default device before this library is there.
                SymbolLookup.libraryLookup("/System/Library/Frameworks/CoreGraphics.framework/CoreGraphics", Arena.global());
            }
            // Libraries stay loaded: objects of them may be released at any later time.
            return SymbolLookup.libraryLookup(library, Arena.global());
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private static MemorySegment symbol(SymbolLookup library, String name) {
        if (library == null) {
            return null;
        }
        return library.find(name).orElseGet(() -> {
            MISSING.add(name);
            return null;
        });
    }

    private static MethodHandle link(SymbolLookup library, String name, MemoryLayout result, MemoryLayout... arguments) {
        MemorySegment symbol = symbol(library, name);
        return symbol == null ? null : Linker.nativeLinker().downcallHandle(symbol, descriptor(result, arguments));
    }

    private static FunctionDescriptor descriptor(MemoryLayout result, MemoryLayout... arguments) {
        return result == null ? FunctionDescriptor.ofVoid(arguments) : FunctionDescriptor.of(result, arguments);
    }

    /** Why Metal cannot be called, or null if it can. */
    static String unavailable() {
        if (RUNTIME == null || METAL == null) {
            return MACOS ? "Metal was not found in this system" : "Metal is a part of macOS, this is " + System.getProperty("os.name");
        }
        return MISSING.isEmpty() ? null : "this system's Metal lacks " + String.join(", ", MISSING);
    }

    /**
     * A handle that sends a message of one prototype; the receiver comes first, the selector is bound. Never variadic, since Apple passes
     * variadic arguments otherwise.
     *
     * @return null where there is no runtime
     */
    static MethodHandle messageHandle(MemorySegment selector, FunctionDescriptor descriptor) {
        if (MESSAGE_SEND == null) {
            return null;
        }
        MethodHandle send = Linker.nativeLinker().downcallHandle(MESSAGE_SEND, descriptor);
        return MethodHandles.insertArguments(send, 1, selector);
    }

    /** The descriptor of a message: receiver and selector, then {@code arguments}. */
    static FunctionDescriptor messageDescriptor(MemoryLayout result, MemoryLayout... arguments) {
        MemoryLayout[] all = new MemoryLayout[arguments.length + 2];
        Arrays.fill(all, 0, 2, ADDRESS);
        System.arraycopy(arguments, 0, all, 2, arguments.length);
        return descriptor(result, all);
    }

    /** The runtime's name of a method, or null where there is no runtime. */
    static MemorySegment selector(String name) {
        if (sel_registerName == null) {
            return null;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocateFrom(name);
            return pointer(() -> (MemorySegment) sel_registerName.invokeExact(text));
        }
    }

    /**
     * A class.
     *
     * @throws MetalException if the system has none of this name
     */
    static MemorySegment classNamed(String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocateFrom(name);
            MemorySegment found = pointer(() -> (MemorySegment) objc_getClass.invokeExact(text));
            if (isNil(found)) {
                throw new MetalException("this system has no class " + name);
            }
            return found;
        }
    }

    /** A string object; an autorelease pool has to be open, which frees it. */
    static MemorySegment string(String text) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocateFrom(text);
            MemorySegment owner = classNamed("NSString");
            return pointer(() -> (MemorySegment) MetalMessages.stringWithUTF8String.handle().invokeExact(owner, bytes));
        }
    }

    /** The text of a string object, empty for nil. */
    static String text(MemorySegment string) {
        return isNil(string) ? "" : cString(pointer(() -> (MemorySegment) MetalMessages.utf8String.handle().invokeExact(string)));
    }

    /** What an error object says. */
    static String errorText(MemorySegment error) {
        if (isNil(error)) {
            return "no reason is given";
        }
        return text(pointer(() -> (MemorySegment) MetalMessages.localizedDescription.handle().invokeExact(error)));
    }

    /** A text that ends with a zero byte. */
    static String cString(MemorySegment text) {
        return text.reinterpret(Long.MAX_VALUE).getString(0);
    }

    static boolean isNil(MemorySegment object) {
        return object.address() == 0;
    }

    /** Whether an object has a method. */
    static boolean responds(MemorySegment object, Message message) {
        return integer(() -> (boolean) MetalMessages.respondsToSelector.handle().invokeExact(object, message.selector()) ? 1 : 0) != 0;
    }

    /** Gives up a reference. */
    static void release(MemorySegment object) {
        run(() -> { MetalMessages.release.handle().invokeExact(object); });
    }

    static MemorySegment pointer(PointerCall call) {
        try {
            return call.invoke();
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static long integer(LongCall call) {
        try {
            return call.invoke();
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static void run(VoidCall call) {
        try {
            call.invoke();
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** What a native call throws, as an exception that need not be declared. */
    static RuntimeException unexpected(Throwable e) {
        return switch (e) {
            case RuntimeException exception -> exception;
            case Error error -> throw error;
            default -> throw new AssertionError("a native call throws nothing checked", e);
        };
    }
}
