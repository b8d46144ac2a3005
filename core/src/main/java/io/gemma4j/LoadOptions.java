package io.gemma4j;

import java.util.Objects;

/**
 * How a model is loaded. Immutable; start from {@link #defaults()} and change what matters:
 *
 * {@snippet :
 * Gemma4 model = Gemma4.load(path, o -> o.backend(Backend.CPU).contextTokens(32_768));
 * }
 *
 * @param backend where it runs
 * @param contextTokens tokens a session can hold, prompt and answer together; 0 takes what the file was made for, at most 8192;
 *     {@link #FIT_MEMORY} what there is memory for
 * @param kvType how keys and values are held; other than {@link KvType#F16} for more exactness or for longer texts in the same memory
 * @param prefillTokens tokens of a prompt that are processed together at most, fewer where memory is short; 0 takes what the backend is fast with
 * @param threads threads of the CPU backend; 0 takes one for each physical core that the process may use
 * @param cpuKernels kernels of the CPU backend
 * @param lockMemory whether to ask the operating system to keep the weights in physical memory; where it refuses, a warning is logged
 * @param checkpointBytes memory of the computer that a session takes at most for what it needs to {@linkplain Session#rewind go back} fast
 * @param prefixCacheBytes memory for the sessions of prompts and chats that have ended, where new ones find what they begin with; 0 keeps none
 * @param progress told about loading, and may abort it
 */
public record LoadOptions(Backend backend, int contextTokens, KvType kvType, int prefillTokens, int threads, CpuKernels cpuKernels,
        boolean lockMemory, long checkpointBytes, long prefixCacheBytes, ProgressListener progress) {
    /** A value of {@code contextTokens}: as many as the free memory has room for, at most what the model was made for. */
    public static final int FIT_MEMORY = Integer.MIN_VALUE;

    private static final LoadOptions DEFAULTS = new LoadOptions(Backend.AUTO, 0, KvType.F16, 0, 0, CpuKernels.AUTO, false, 1L << 30, 0,
            ProgressListener.NONE);

    /**
     * Checks every value.
     *
     * @throws IllegalArgumentException if a number is out of range; the message names it
     */
    public LoadOptions {
        Objects.requireNonNull(backend, "backend");
        Objects.requireNonNull(kvType, "kvType");
        Objects.requireNonNull(cpuKernels, "cpuKernels");
        Objects.requireNonNull(progress, "progress");
        require(contextTokens >= 0 || contextTokens == FIT_MEMORY, "contextTokens", "at least 0", contextTokens);
        require(prefillTokens >= 0 && prefillTokens <= 8192, "prefillTokens", "from 0 to 8192", prefillTokens);
        require(threads >= 0 && threads <= 1024, "threads", "from 0 to 1024", threads);
        require(checkpointBytes >= 0, "checkpointBytes", "at least 0", checkpointBytes);
        require(prefixCacheBytes >= 0, "prefixCacheBytes", "at least 0", prefixCacheBytes);
    }

    private static void require(boolean valid, String name, String expected, long found) {
        if (!valid) {
            throw new IllegalArgumentException(name + " must be " + expected + ", was " + found);
        }
    }

    /**
     * What {@link Gemma4#load(java.nio.file.Path)} uses.
     *
     * @return automatic backend, f16 cache, prompts in steps that suit the backend
     */
    public static LoadOptions defaults() {
        return DEFAULTS;
    }

    /**
     * Where the model runs.
     *
     * @param value the backend; one other than {@link Backend#AUTO} that cannot be had makes loading fail
     * @return changed options
     */
    public LoadOptions backend(Backend value) {
        return new LoadOptions(value, contextTokens, kvType, prefillTokens, threads, cpuKernels, lockMemory, checkpointBytes, prefixCacheBytes, progress);
    }

    /**
     * Tokens a session can hold.
     *
     * @param value prompt and answer together; 0 for the default, {@link #FIT_MEMORY} for what there is memory for
     * @return changed options
     */
    public LoadOptions contextTokens(int value) {
        return new LoadOptions(backend, value, kvType, prefillTokens, threads, cpuKernels, lockMemory, checkpointBytes, prefixCacheBytes, progress);
    }

    /**
     * Element type of the key/value cache.
     *
     * @param value the type
     * @return changed options
     */
    public LoadOptions kvType(KvType value) {
        return new LoadOptions(backend, contextTokens, value, prefillTokens, threads, cpuKernels, lockMemory, checkpointBytes, prefixCacheBytes, progress);
    }

    /**
     * Tokens of a prompt that are processed together.
     *
     * @param value from 1 to 8192; 0 takes what the backend is fast with
     * @return changed options
     */
    public LoadOptions prefillTokens(int value) {
        return new LoadOptions(backend, contextTokens, kvType, value, threads, cpuKernels, lockMemory, checkpointBytes, prefixCacheBytes, progress);
    }

    /**
     * Threads of the CPU backend.
     *
     * @param value from 1 to 1024; 0 for one on each physical core that the process may use
     * @return changed options
     */
    public LoadOptions threads(int value) {
        return new LoadOptions(backend, contextTokens, kvType, prefillTokens, value, cpuKernels, lockMemory, checkpointBytes, prefixCacheBytes, progress);
    }

    /**
     * Kernels of the CPU backend.
     *
     * @param value which ones
     * @return changed options
     */
    public LoadOptions cpuKernels(CpuKernels value) {
        return new LoadOptions(backend, contextTokens, kvType, prefillTokens, threads, value, lockMemory, checkpointBytes, prefixCacheBytes, progress);
    }

    /**
     * Whether the weights are to be kept in physical memory.
     *
     * @param value true to ask for it
     * @return changed options
     */
    public LoadOptions lockMemory(boolean value) {
        return new LoadOptions(backend, contextTokens, kvType, prefillTokens, threads, cpuKernels, value, checkpointBytes, prefixCacheBytes, progress);
    }

    /**
     * Memory of the computer for {@linkplain Session#checkpoint() checkpoints}. It is taken when a text grows beyond them.
     *
     * @param value bytes for each session, 1 GiB by default; 0 keeps none
     * @return changed options
     */
    public LoadOptions checkpointBytes(long value) {
        return new LoadOptions(backend, contextTokens, kvType, prefillTokens, threads, cpuKernels, lockMemory, value, prefixCacheBytes, progress);
    }

    /**
     * Keeps the sessions of prompts and chats that have ended. A new one that begins with the same tokens takes them over instead of computing them,
     * see {@link TokenUsage#cachedTokens()}. Those used longest ago make room for others, and for what else needs the memory.
     *
     * @param value bytes where keys and values are, on the device or in the computer, checkpoints included; 0, the default, keeps none
     * @return changed options
     */
    public LoadOptions prefixCacheBytes(long value) {
        return new LoadOptions(backend, contextTokens, kvType, prefillTokens, threads, cpuKernels, lockMemory, checkpointBytes, value, progress);
    }

    /**
     * Who is told about loading.
     *
     * @param value called by the loading thread
     * @return changed options
     */
    public LoadOptions progress(ProgressListener value) {
        return new LoadOptions(backend, contextTokens, kvType, prefillTokens, threads, cpuKernels, lockMemory, checkpointBytes, prefixCacheBytes, value);
    }
}
