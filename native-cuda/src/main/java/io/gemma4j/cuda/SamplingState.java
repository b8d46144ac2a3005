package io.gemma4j.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.gemma4j.SamplingOptions;
import io.gemma4j.cuda.CudaKernel.Grid;
import io.gemma4j.sampling.Sampler;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;

/**
 * What drawing tokens needs on the device, for one text at a time: options, the place in the stream of random numbers, how often penalized tokens
 * occur; and the kernels that draw. They put the token and its position where the next step reads them. Used by one thread at a time, except for
 * {@link #token}. Whoever created it closes it.
 */
final class SamplingState implements AutoCloseable {
    // Draws whose tokens are kept until the host reads them.
    static final int RING_STEPS = 4;
    private static final String GREEDY = "sample_greedy";
    private static final String TOP_K = "sample_top_k";
    private static final String ANY = "sample_any";
    private static final int GREEDY_THREADS = 256;
    private static final int THREADS = 1024;
    private static final int MAX_TOP_K = 64;
    private static final int LOGITS_PER_BLOCK = 2048;
    private static final int ADJUST_THREADS = 256;
    private static final int ACCEPT_THREADS = 256;
    // struct SamplerOptions and SamplerState of sampling.cuh.
    private static final int OPTIONS_BYTES = 48;
    private static final int STATE_BYTES = 16;

    private final KernelLibrary kernels;
    private final CudaStream stream;
    private final CudaBuffer constants;
    private final PinnedMemory ring;
    private PinnedMemory allowed; // null until a mask was needed
    private final ScratchMemory counts;
    private final ScratchMemory window;
    private final ScratchMemory bias;
    private final ScratchMemory adjusted;
    private final ScratchMemory scratch;
    private CudaDeviceSampler current;
    private CudaDeviceSampler biased;

    /**
     * Which kernels draw.
     *
     * @param kernel the last of them
     * @param biased whether a bias is added, which also bans the model's suppressed tokens
     * @param penalized whether there are penalties
     * @param windowed whether those look at the last tokens only
     * @param masked whether only some tokens are allowed
     */
    record Kernels(String kernel, boolean biased, boolean penalized, boolean windowed, boolean masked) {

        static Kernels of(Sampler sampler, int[] suppressedTokens, boolean masked) {
            SamplingOptions options = sampler.options();
            String kernel = options.temperature() == 0 ? GREEDY : options.topK() >= 1 && options.topK() <= MAX_TOP_K ? TOP_K : ANY;
            return new Kernels(kernel, suppressedTokens.length > 0 || !options.logitBias().isEmpty(), sampler.penalizes(),
                    sampler.penalizes() && options.penaltyTokens() > 0, masked);
        }

        boolean adjusts() {
            return biased || penalized || masked;
        }
    }

    /** @param onMove told when memory that was in use is no longer valid */
    SamplingState(KernelLibrary kernels, CudaStream stream, Runnable onMove) {
        this.kernels = kernels;
        this.stream = stream;
        CudaContext context = stream.context();
        counts = new ScratchMemory(context, "occurrences of tokens", onMove);
        window = new ScratchMemory(context, "penalized tokens", onMove);
        bias = new ScratchMemory(context, "logit bias", onMove);
        adjusted = new ScratchMemory(context, "adjusted logits", onMove);
        scratch = new ScratchMemory(context, "the best logits", onMove);
        constants = CudaBuffer.allocate(context, "sampling options", OPTIONS_BYTES + STATE_BYTES + Long.BYTES);
        ring = new PinnedMemory(context, (long) RING_STEPS * Long.BYTES);
    }

    private DevicePointer options() {
        return constants.pointer();
    }

    private DevicePointer state() {
        return constants.pointer().plus(OPTIONS_BYTES);
    }

    /** Blocks that have arrived: zero between kernels. */
    private DevicePointer arrivals() {
        return state().plus(STATE_BYTES);
    }

    /** Whether the device has what it needs to draw for {@code sampler}. */
    boolean isOf(CudaDeviceSampler sampler) {
        return current == sampler;
    }

    /** Makes room for another text, or for steps that draw nothing: the tokens drawn so far are brought to the host. */
    void release() {
        if (current != null) {
            current.fetchAll();
            current = null;
        }
    }

    /** Brings a text as it is on the host. */
    void load(CudaDeviceSampler of, int vocabulary) {
        release();
        SamplingOptions options = of.sampler().options();
        Kernels chosen = of.kernels();
        scratch.require(Long.BYTES * switch (chosen.kernel) {
            case GREEDY -> blocks(vocabulary);
            case TOP_K -> 4L * blocks(vocabulary);
            default -> 2L * vocabulary;
        });
        if (chosen.adjusts()) {
            adjusted.require((long) vocabulary * Float.BYTES);
        }
        if (chosen.masked && allowed == null) {
            allowed = new PinnedMemory(stream.context(), (long) maskWords(vocabulary) * Long.BYTES);
        }
        try (Arena arena = Arena.ofConfined()) {
            stream.upload(optionsStruct(options, of.sampler().seed(), arena), options());
            stream.upload(arena.allocateFrom(JAVA_LONG, 0, 0, 0), state());
            if (chosen.biased && biased != of) {
                stream.upload(biases(options.logitBias(), of.suppressedTokens(), vocabulary, arena),
                        bias.require((long) vocabulary * Float.BYTES));
                biased = of;
            }
            if (chosen.penalized) {
                count(of.sampler(), vocabulary, arena);
            }
            stream.upload(arena.allocateFrom(JAVA_LONG, of.sampler().acceptedTokens(), 0), state());
        }
        current = of;
    }

    private static int maskWords(int vocabulary) {
        return Math.ceilDiv(vocabulary, Long.SIZE);
    }

    /**
     * Says which tokens the next draw may take. The device reads them where they are: what is queued has drawn.
     *
     * @param mask a bit for each token
     */
    void allow(long[] mask) {
        int words = maskWords(current.logits().width());
        if (mask.length != words) {
            throw new IllegalArgumentException("a mask of " + words + " words is needed, this one has " + mask.length);
        }
        MemorySegment.copy(mask, 0, allowed.segment(), JAVA_LONG, 0, mask.length);
    }

    private static int blocks(int vocabulary) {
        return Math.ceilDiv(vocabulary, LOGITS_PER_BLOCK);
    }

    private static MemorySegment optionsStruct(SamplingOptions options, long seed, Arena arena) {
        MemorySegment struct = arena.allocate(OPTIONS_BYTES, 8);
        struct.set(JAVA_LONG, 0, seed);
        struct.set(JAVA_FLOAT, 8, options.temperature());
        struct.set(JAVA_INT, 12, options.topK());
        struct.set(JAVA_FLOAT, 16, options.topP());
        struct.set(JAVA_FLOAT, 20, options.minP());
        struct.set(JAVA_FLOAT, 24, options.typicalP());
        struct.set(JAVA_FLOAT, 28, options.repetitionPenalty());
        struct.set(JAVA_FLOAT, 32, options.presencePenalty());
        struct.set(JAVA_FLOAT, 36, options.frequencyPenalty());
        struct.set(JAVA_INT, 40, options.penaltyTokens());
        return struct;
    }

    private static MemorySegment biases(Map<Integer, Float> logitBias, int[] suppressedTokens, int vocabulary, Arena arena) {
        float[] biases = new float[vocabulary];
        logitBias.forEach((token, value) -> biases[token] = value);
        for (int token : suppressedTokens) {
            biases[token] = Float.NEGATIVE_INFINITY;
        }
        return arena.allocateFrom(JAVA_FLOAT, biases);
    }

    private void count(Sampler sampler, int vocabulary, Arena arena) {
        int[] tokens = sampler.penalizedTokens();
        int windowTokens = sampler.options().penaltyTokens();
        stream.fill(counts.require((long) vocabulary * Integer.BYTES), (byte) 0, (long) vocabulary * Integer.BYTES);
        DevicePointer windowStart = windowTokens > 0 ? window.require((long) windowTokens * Integer.BYTES) : DevicePointer.NULL;
        if (tokens.length == 0) {
            return;
        }
        // The window is a ring: the token at place p of the text is in slot p % windowTokens.
        int[] slots = tokens.clone();
        for (int i = 0; windowTokens > 0 && i < tokens.length; i++) {
            slots[(int) ((sampler.acceptedTokens() - tokens.length + i) % windowTokens)] = tokens[i];
        }
        try (CudaBuffer buffer = CudaBuffer.allocate(stream.context(), "penalized tokens", (long) slots.length * Integer.BYTES)) {
            stream.upload(arena.allocateFrom(JAVA_INT, slots), buffer.pointer());
            kernels.kernel("accept_tokens").pointer(options()).pointer(state()).pointer(counts.require(1)).pointer(windowStart)
                    .pointer(buffer.pointer()).int32(slots.length).launch(stream, Grid.of(1), ACCEPT_THREADS, 0);
            stream.synchronize();
        }
    }

    /**
     * Queues the draw of a token from the first row of {@code logits}. Allocates nothing.
     *
     * @param maxima the largest of them, where those are known, or null
     */
    void draw(Kernels chosen, CudaActivations logits, CudaMatvec.Maxima maxima, StepInputs inputs) {
        int vocabulary = logits.width();
        DevicePointer countsOrNull = chosen.penalized ? counts.require(1) : DevicePointer.NULL;
        if (maxima != null && chosen.kernel.equals(GREEDY) && !chosen.adjusts()) {
            CudaKernel kernel = kernels.kernel("sample_greedy_maxima").pointer(maxima.values()).pointer(maxima.places()).int32(maxima.parts())
                    .int32(vocabulary);
            sequence(kernel, chosen, countsOrNull, inputs).launchEarly(stream, Grid.of(1), GREEDY_THREADS, 0);
            return;
        }
        DevicePointer from = logits.start();
        if (chosen.adjusts()) {
            from = adjusted.require(1);
            kernels.kernel("adjust_logits").pointer(logits.start()).int64(logits.stride()).int32(vocabulary).pointer(options())
                    .pointer(chosen.biased ? bias.require(1) : DevicePointer.NULL).pointer(countsOrNull)
                    .pointer(chosen.masked ? allowed.pointer() : DevicePointer.NULL).pointer(from).int64(vocabulary)
                    .launch(stream, Grid.of(Math.ceilDiv(vocabulary, ADJUST_THREADS)), ADJUST_THREADS, 0);
        }
        boolean oneBlock = chosen.kernel.equals(ANY);
        CudaKernel kernel = sequence(kernels.kernel(chosen.kernel).pointer(from).int64(vocabulary).int32(vocabulary), chosen, countsOrNull, inputs)
                .pointer(scratch.require(1));
        if (!oneBlock) {
            kernel.pointer(arrivals());
        }
        kernel.launch(stream, Grid.of(oneBlock ? 1 : blocks(vocabulary)), chosen.kernel.equals(GREEDY) ? GREEDY_THREADS : THREADS, 0);
    }

    private CudaKernel sequence(CudaKernel kernel, Kernels chosen, DevicePointer countsOrNull, StepInputs inputs) {
        // The capacity of a window matters only to the rows after the first.
        return kernel.pointer(options()).pointer(state()).pointer(countsOrNull).pointer(chosen.windowed ? window.require(1) : DevicePointer.NULL)
                .int32(0).pointer(inputs.tokens()).pointer(inputs.positions()).pointer(ring.pointer()).int32(RING_STEPS);
    }

    /**
     * A token that was drawn; the device has been waited for.
     *
     * @param place of the draw since {@link #load}
     */
    int token(long place) {
        long entry = ring.segment().get(JAVA_LONG, place % RING_STEPS * Long.BYTES);
        if (entry >>> 32 != place + 1) {
            throw new IllegalStateException("draw " + place + " was expected, the device has drawn " + (entry >>> 32));
        }
        return (int) entry;
    }

    @Override
    public void close() {
        current = null;
        for (ScratchMemory memory : new ScratchMemory[] {counts, window, bias, adjusted, scratch}) {
            memory.close();
        }
        ring.close();
        if (allowed != null) {
            allowed.close();
        }
        constants.close();
    }
}
