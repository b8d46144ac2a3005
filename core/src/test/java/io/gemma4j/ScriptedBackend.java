package io.gemma4j;

import io.gemma4j.backend.BackendOptions;
import io.gemma4j.backend.BackendProvider;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.backend.Step;
import io.gemma4j.backend.cpu.CpuBackendProvider;
import io.gemma4j.tokenizer.Tokenizer;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The CPU backend, but the next tokens can be laid down; and what is fed to it is noted. Once the script is over, the model speaks for itself. */
final class ScriptedBackend implements BackendProvider {
    private static final Pattern CONTROL = Pattern.compile("<(\\|[a-z_]+|[a-z_]+\\||\\|\"\\|)>");

    private final Deque<Integer> script = new ArrayDeque<>();
    /** Every token that was fed, in order. */
    final List<Integer> fed = new ArrayList<>();
    /** Done when the script has so many tokens left. */
    private int actionAt = -1;
    private Runnable action;
    private float[] lastLogits;

    Gemma4 load(Fixture fixture, LoadOptions options) throws Exception {
        return Gemma4.load(fixture.model(), options, List.of(this));
    }

    /** Makes the model say this next, markup included. */
    void says(Tokenizer tokenizer, String... answers) {
        for (String answer : answers) {
            for (int token : tokens(tokenizer, answer)) {
                script.add(token);
            }
        }
    }

    /** Does something just before the token is drawn that has {@code left} tokens of the script behind it. */
    void before(int left, Runnable done) {
        actionAt = left;
        action = done;
    }

    int left() {
        return script.size();
    }

    void clear() {
        script.clear();
        actionAt = -1;
    }

    /** The model's own scores where the script has overwritten them. */
    float[] lastLogits() {
        return lastLogits.clone();
    }

    static int[] tokens(Tokenizer tokenizer, String rendered) {
        List<Integer> tokens = new ArrayList<>();
        Matcher matcher = CONTROL.matcher(rendered);
        int end = 0;
        while (matcher.find()) {
            Arrays.stream(tokenizer.encode(rendered.substring(end, matcher.start()), false)).forEach(tokens::add);
            tokens.add(tokenizer.controlToken(matcher.group()).orElseThrow());
            end = matcher.end();
        }
        Arrays.stream(tokenizer.encode(rendered.substring(end), false)).forEach(tokens::add);
        return tokens.stream().mapToInt(Integer::intValue).toArray();
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
            if (method.getName().equals("embedBlock")) {
                Step step = (Step) given[2];
                for (int row = 0; row < step.rows(); row++) {
                    fed.add(step.token(row));
                }
            }
            Object result;
            try {
                result = method.invoke(cpu, given);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
            if (method.getName().equals("read")) {
                overwrite((float[]) given[2]);
            }
            return result;
        });
    }

    private void overwrite(float[] logits) {
        lastLogits = logits.clone();
        if (script.isEmpty()) {
            return;
        }
        int token = script.removeFirst();
        if (script.size() == actionAt) {
            actionAt = -1;
            action.run();
        }
        Arrays.fill(logits, Float.NEGATIVE_INFINITY);
        logits[token] = 0;
    }
}
