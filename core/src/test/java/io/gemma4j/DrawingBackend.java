package io.gemma4j;

import io.gemma4j.backend.Activations;
import io.gemma4j.backend.BackendOptions;
import io.gemma4j.backend.BackendProvider;
import io.gemma4j.backend.DeviceSampler;
import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.backend.Step;
import io.gemma4j.backend.cpu.CpuBackendProvider;
import io.gemma4j.sampling.Sampler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/** The CPU backend as a device that draws tokens itself: it knows the last token and hides it from the host until it is taken. */
final class DrawingBackend implements BackendProvider {
    /** Tokens that were drawn. */
    int draws;
    /** Steps that were run to draw a token after them. */
    int steps;
    /** Of these, steps whose token the host had not given. */
    int ahead;
    /** Samplers that are not closed. */
    int open;
    /** Whether the device has lost the token when it is asked to go on with it. */
    BooleanSupplier loses = () -> false;
    /** What is given instead of the next token that is drawn, once; positive for the token itself. */
    int failure = 1;

    private ModelBackend cpu;
    private OneText holder;
    // The token of the step that runs.
    private Integer token;

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
        cpu = new CpuBackendProvider().open(options);
        return (ModelBackend) Proxy.newProxyInstance(ModelBackend.class.getClassLoader(), new Class<?>[] {ModelBackend.class}, (proxy, method, given) -> {
            switch (method.getName()) {
                case "newDeviceSampler" -> {
                    open++;
                    return Optional.of(new OneText((Sampler) given[0], (int[]) given[1], (Activations) given[2], (boolean) given[3]));
                }
                case "runStep" -> holder = null;
                // Nothing but these reads tokens.
                case "embedBlock", "perLayerInputBlock" -> {
                    if (token != null) {
                        given[2] = Step.of(new KvCache(List.of(), 0, 1), new int[] {token}, Step.LogitRows.LAST);
                    }
                }
                default -> {}
            }
            try {
                return method.invoke(cpu, given);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
    }

    private final class OneText implements DeviceSampler {
        private final Sampler host;
        private final int[] suppressedTokens;
        private final Activations logits;
        private final boolean masked;
        private final Deque<Integer> drawn = new ArrayDeque<>();
        private Sampler sampler;
        private int next;
        private int nextPosition;
        private boolean closed;

        OneText(Sampler host, int[] suppressedTokens, Activations logits, boolean masked) {
            this.host = host;
            this.suppressedTokens = suppressedTokens;
            this.logits = logits;
            this.masked = masked;
        }

        @Override
        public void run(Step step, Runnable operations) {
            if (!drawn.isEmpty()) {
                throw new AssertionError("a token was not taken");
            }
            sampler = new Sampler(host.options().seed(host.seed()), logits.width());
            int[] penalized = host.penalizedTokens();
            for (long place = 0; place < host.acceptedTokens(); place++) {
                long fromEnd = host.acceptedTokens() - place;
                sampler.accept(fromEnd <= penalized.length ? penalized[(int) (penalized.length - fromEnd)] : 0);
            }
            step(step, operations);
        }

        @Override
        public boolean runNext(Step step, Runnable operations) {
            if (holder != this || loses.getAsBoolean()) {
                return false;
            }
            if (step.position(0) != nextPosition || step.token(0) >= 0) {
                throw new AssertionError("position " + step.position(0) + " of token " + step.token(0) + ", expected " + nextPosition);
            }
            sampler.accept(next);
            token = next;
            ahead++;
            try {
                step(step, operations);
            } finally {
                token = null;
            }
            return true;
        }

        private void step(Step step, Runnable operations) {
            operations.run();
            steps++;
            nextPosition = step.position(step.rows() - 1) + 1;
            holder = this;
            if (!masked) {
                draw(null);
            }
        }

        @Override
        public void draw(long[] allowed) {
            if (masked != (allowed != null) || holder != this || !drawn.isEmpty() && masked) {
                throw new AssertionError("a draw of a sampler that was made for masks: " + masked + ", of the last step's text: " + (holder == this));
            }
            draws++;
            float[] row = new float[logits.width()];
            cpu.read(logits, 0, row);
            Arrays.stream(suppressedTokens).forEach(suppressed -> row[suppressed] = Float.NEGATIVE_INFINITY);
            int chosen = masked ? sampler.sample(row, allowed) : sampler.sample(row);
            next = Math.max(chosen, 0);
            drawn.add(failure < 0 ? failure : chosen < 0 ? NONE_POSSIBLE : chosen);
            failure = 1;
        }

        @Override
        public int take() {
            return drawn.remove();
        }

        @Override
        public void close() {
            open -= closed ? 0 : 1;
            closed = true;
            drawn.clear();
        }
    }
}
