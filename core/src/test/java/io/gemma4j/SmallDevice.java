package io.gemma4j;

import io.gemma4j.backend.BackendOptions;
import io.gemma4j.backend.BackendProvider;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.backend.cpu.CpuBackendProvider;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;

/** The CPU backend with little memory: room for some sessions, a figure of what is free, and a part that caches take of what their shape would. */
final class SmallDevice implements BackendProvider {
    private final int roomSessions;
    private final long freeBytes;
    private final double kvPart;
    private Gemma4 model;

    SmallDevice(int roomSessions, long freeBytes) {
        this(roomSessions, freeBytes, 1);
    }

    SmallDevice(int roomSessions, long freeBytes, double kvPart) {
        this.roomSessions = roomSessions;
        this.freeBytes = freeBytes;
        this.kvPart = kvPart;
    }

    Gemma4 load(Fixture fixture, LoadOptions options) throws Exception {
        model = Gemma4.load(fixture.model(), options, List.of(this));
        return model;
    }

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public int priority() {
        return 0;
    }

    @Override
    public ModelBackend open(BackendOptions options) throws UnavailableException {
        ModelBackend cpu = new CpuBackendProvider().open(options);
        InvocationHandler handler = (proxy, method, given) -> {
            if (method.getName().equals("allocateKv") && model.openSessions() == roomSessions) {
                throw new OutOfDeviceMemoryException("small", "a test", 1, 0, 1, null);
            }
            try {
                return switch (method.getName()) {
                    case "freeBytes" -> freeBytes;
                    case "kvBytes" -> (long) (kvPart * (long) method.invoke(cpu, given));
                    default -> method.invoke(cpu, given);
                };
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        };
        return (ModelBackend) Proxy.newProxyInstance(ModelBackend.class.getClassLoader(), new Class<?>[] {ModelBackend.class}, handler);
    }
}
