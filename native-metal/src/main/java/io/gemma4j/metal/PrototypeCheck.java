package io.gemma4j.metal;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/**
 * Compares the prototypes of messages with what the runtime says of its methods: a wrong one would corrupt the stack or crash the process.
 * The runtime writes types as letters, see "Type Encodings" in Apple's Objective-C Runtime Programming Guide.
 */
final class PrototypeCheck {
    // const, in, inout, out, bycopy, byref, oneway, atomic
    private static final String QUALIFIERS = "rnNoORVA";

    private PrototypeCheck() {}

    /**
     * Why a message may not be sent to objects of a class, or null if it may.
     *
     * @param owner the class of the object that receives it, or the class that does
     */
    static String mismatch(Message message, MemorySegment owner) {
        MemorySegment method = ObjectiveC.pointer(() -> message.ofClass()
                ? (MemorySegment) ObjectiveC.class_getClassMethod.invokeExact(owner, message.selector())
                : (MemorySegment) ObjectiveC.class_getInstanceMethod.invokeExact(owner, message.selector()));
        if (ObjectiveC.isNil(method)) {
            return "this system's Metal has no " + message;
        }
        String encoding = ObjectiveC.cString(ObjectiveC.pointer(() -> (MemorySegment) ObjectiveC.method_getTypeEncoding.invokeExact(method)));
        String expected = shape(message.descriptor());
        String found = shape(encoding);
        return expected.equals(found) ? null : "this system's " + message + " has the type " + encoding + ", expected one of the shape " + expected;
    }

    /** Sizes and kinds of result and arguments: {@code p} pointer, {@code 8} and {@code 1} integers, {@code S24} struct, {@code v} none. */
    static String shape(FunctionDescriptor descriptor) {
        StringBuilder shape = new StringBuilder(descriptor.returnLayout().map(PrototypeCheck::shape).orElse("v"));
        descriptor.argumentLayouts().forEach(layout -> shape.append(shape(layout)));
        return shape.toString();
    }

    private static String shape(MemoryLayout layout) {
        return switch (layout) {
            case StructLayout struct -> "S" + struct.byteSize();
            case ValueLayout.OfLong _ -> "8";
            case ValueLayout.OfInt _ -> "4";
            case ValueLayout.OfBoolean _ -> "1";
            case ValueLayout.OfDouble _ -> "d";
            default -> "p";
        };
    }

    /** The same of a type encoding, which may have qualifiers and offsets. */
    static String shape(String encoding) {
        StringBuilder shape = new StringBuilder();
        int at = 0;
        while (at < encoding.length()) {
            int end = endOfType(encoding, at);
            shape.append(shapeOfType(encoding, at, end));
            at = end;
        }
        return shape.toString();
    }

    private static String shapeOfType(String encoding, int start, int end) {
        char kind = encoding.charAt(start);
        if (Character.isDigit(kind) || QUALIFIERS.indexOf(kind) >= 0) {
            return "";
        }
        return switch (kind) {
            case '@', '#', ':', '*', '^' -> "p";
            case 'q', 'Q', 'l', 'L' -> "8";
            case 'i', 'I' -> "4";
            case 'B', 'c', 'C' -> "1";
            case 'd', 'v' -> String.valueOf(kind);
            case '{' -> "S" + structBytes(encoding.substring(encoding.indexOf('=', start) + 1, end - 1));
            default -> "?";
        };
    }

    private static int endOfType(String encoding, int start) {
        return switch (encoding.charAt(start)) {
            case '^' -> endOfType(encoding, start + 1);
            // Blocks are written @?, and an object's class may follow in quotes.
            case '@' -> {
                if (encoding.startsWith("@?", start)) {
                    yield start + 2;
                }
                yield encoding.startsWith("@\"", start) ? encoding.indexOf('"', start + 2) + 1 : start + 1;
            }
            case '{' -> {
                int depth = 0;
                int at = start;
                do {
                    char c = encoding.charAt(at++);
                    depth += c == '{' ? 1 : c == '}' ? -1 : 0;
                } while (depth > 0);
                yield at;
            }
            default -> start + 1;
        };
    }

    private static int structBytes(String members) {
        String shape = shape(members);
        return shape.chars().allMatch(kind -> kind == '8') ? shape.length() * Long.BYTES : -1;
    }
}
