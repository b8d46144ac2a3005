package io.gemma4j.model;

import io.gemma4j.backend.Activations;
import io.gemma4j.backend.Blocks;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.backend.Step;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Stands before a backend and notes every call. Blocks run as the interface composes them, on operations that are noted too, except for those
 * that are declared fused: these the backend runs by itself.
 */
final class RecordingBackend implements InvocationHandler {
    /** A call and the rows it worked on, -1 where it has none. */
    record Call(String name, int rows) {}

    final List<Call> calls = new ArrayList<>();
    private final ModelBackend target;
    private final Set<String> fused;
    private Consumer<Call> listener = call -> {};

    private RecordingBackend(ModelBackend target, Set<String> fused) {
        this.target = target;
        this.fused = fused;
    }

    static RecordingBackend before(ModelBackend target, String... fusedBlocks) {
        return new RecordingBackend(target, Set.of(fusedBlocks));
    }

    ModelBackend asBackend() {
        return (ModelBackend) Proxy.newProxyInstance(ModelBackend.class.getClassLoader(), new Class<?>[] {ModelBackend.class}, this);
    }

    /** Called with each call before it is made; may throw to make it fail. */
    void onCall(Consumer<Call> action) {
        listener = action;
    }

    List<Call> named(String name) {
        return calls.stream().filter(call -> call.name().equals(name)).toList();
    }

    @Override
    public Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
        Call call = new Call(method.getName(), rows(arguments));
        listener.accept(call);
        calls.add(call);
        if (method.isDefault() && method.getDeclaringClass() == Blocks.class && !fused.contains(method.getName())) {
            return InvocationHandler.invokeDefault(proxy, method, arguments);
        }
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private static int rows(Object[] arguments) {
        if (arguments == null) {
            return -1;
        }
        for (Object argument : arguments) {
            if (argument instanceof Step step) {
                return step.rows();
            }
        }
        boolean works = arguments.length > 1 && (arguments[0] instanceof Activations || arguments[1] instanceof Activations
                || arguments.length > 2 && arguments[2] instanceof Activations);
        return works && arguments[arguments.length - 1] instanceof Integer rows ? rows : -1;
    }
}
