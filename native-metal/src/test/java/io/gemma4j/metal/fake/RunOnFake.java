package io.gemma4j.metal.fake;

import java.lang.reflect.InvocationTargetException;
import java.util.Arrays;

/**
 * Runs another program with the fake driver in place of Metal, from the folder {@code native-metal}. The first argument is its main class, the
 * others are its own.
 */
public final class RunOnFake {
    private RunOnFake() {}

    /** Runs the program, then prints what it did wrong with Metal. */
    public static void main(String[] arguments) throws ReflectiveOperationException {
        if (arguments.length == 0) {
            throw new IllegalArgumentException("expected the main class of a program and its arguments");
        }
        FakeMetal fake = FakeMetal.load(Clang.find().orElseThrow(() -> new IllegalStateException("no clang 18 or newer was found")));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> fake.takeProblems().forEach(System.err::println)));
        try {
            Class.forName(arguments[0]).getMethod("main", String[].class).invoke(null, (Object) Arrays.copyOfRange(arguments, 1, arguments.length));
        } catch (InvocationTargetException e) {
            throw new IllegalStateException(e.getCause());
        }
    }
}
