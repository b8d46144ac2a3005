package io.gemma4j.langchain4j;

import io.gemma4j.backend.BackendOptions;
import io.gemma4j.backend.BackendProvider;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.tokenizer.Tokenizer;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.Deque;
import java.util.ServiceLoader;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The CPU backend, but what the model says next can be laid down, markup included: for questions that go beyond what the small model knows. Once the
 * script is over, the model speaks for itself.
 */
public final class ScriptedCpu implements BackendProvider {
    private static final Pattern CONTROL = Pattern.compile("<(\\|[a-z_]+|[a-z_]+\\||\\|\"\\|)>");
    private static final Deque<Integer> SCRIPT = new ConcurrentLinkedDeque<>();

    /** Lays down answers, each of which ends its turn. */
    static void says(Tokenizer tokenizer, String... answers) {
        SCRIPT.clear();
        for (String answer : answers) {
            Matcher matcher = CONTROL.matcher(answer);
            int end = 0;
            while (matcher.find()) {
                Arrays.stream(tokenizer.encode(answer.substring(end, matcher.start()), false)).forEach(SCRIPT::add);
                SCRIPT.add(tokenizer.controlToken(matcher.group()).orElseThrow());
                end = matcher.end();
            }
            Arrays.stream(tokenizer.encode(answer.substring(end), false)).forEach(SCRIPT::add);
        }
    }

    static boolean isOver() {
        return SCRIPT.isEmpty();
    }

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public int priority() {
        return Integer.MAX_VALUE;
    }

    @Override
    public ModelBackend open(BackendOptions options) throws UnavailableException {
        ModelBackend cpu = ServiceLoader.load(BackendProvider.class).stream().filter(provider -> provider.type() != ScriptedCpu.class)
                .map(ServiceLoader.Provider::get).filter(provider -> provider.name().equals("cpu")).findFirst().orElseThrow().open(options);
        return (ModelBackend) Proxy.newProxyInstance(ModelBackend.class.getClassLoader(), new Class<?>[] {ModelBackend.class}, (proxy, method, given) -> {
            Object result;
            try {
                result = method.invoke(cpu, given);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
            if (method.getName().equals("read") && !SCRIPT.isEmpty()) {
                float[] logits = (float[]) given[2];
                Arrays.fill(logits, Float.NEGATIVE_INFINITY);
                logits[SCRIPT.removeFirst()] = 0;
            }
            return result;
        });
    }
}
