package io.gemma4j;

import io.gemma4j.backend.BackendOptions;
import io.gemma4j.backend.BackendProvider;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.backend.cpu.CpuBackendProvider;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** The CPU backend, with every block counted and every allocation noted; something can be done before a certain block. */
final class ObservedBackend implements BackendProvider {
    private record Trigger(int block, Runnable action) {}

    final AtomicInteger attentionBlocks = new AtomicInteger();
    final AtomicLong activationBytes = new AtomicLong();
    final List<KvLayerLayout> caches = new CopyOnWriteArrayList<>();
    private volatile Trigger trigger = new Trigger(0, () -> {});

    /** From now on, runs {@code action} on the generating thread as the {@code block}-th attention block, counted from 1, begins. */
    void beforeAttentionBlock(int block, Runnable action) {
        attentionBlocks.set(0);
        trigger = new Trigger(block, action);
    }

    Gemma4 load(Fixture fixture, LoadOptions options) throws Exception {
        return Gemma4.load(fixture.model(), options, List.of(this));
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
        return (ModelBackend) Proxy.newProxyInstance(ModelBackend.class.getClassLoader(), new Class<?>[] {ModelBackend.class}, (proxy, method, given) -> {
            switch (method.getName()) {
                case "attentionBlock" -> {
                    Trigger now = trigger;
                    if (attentionBlocks.incrementAndGet() == now.block()) {
                        now.action().run();
                    }
                }
                case "allocateActivations" -> activationBytes.addAndGet(4L * (int) given[0] * (int) given[1]);
                case "allocateRouting" -> activationBytes.addAndGet(8L * (int) given[0] * (int) given[1]); // an int and a float each
                case "allocateKv" -> caches.add((KvLayerLayout) given[0]);
                default -> {}
            }
            try {
                return method.invoke(cpu, given);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
    }
}
