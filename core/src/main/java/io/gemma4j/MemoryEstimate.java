package io.gemma4j;

/**
 * Memory a model takes, known before anything is loaded.
 *
 * @param weightsBytes weights; with the CPU backend this is the mapped file, which the operating system may drop and read again
 * @param activationBytes scratch memory of the model, shared by its sessions; a GPU takes up to half as much again, and up to 512 MB for decoded weights
 * @param kvBytesPerSession key/value cache of one session whose context is full; it grows with the tokens a session holds; a GPU may need less of 16-bit caches
 *     where a model has no value projection, which is not counted unless the context is fitted to memory;
 *     {@link LoadOptions#checkpointBytes} and {@link LoadOptions#prefixCacheBytes} come on top
 * @param contextTokens the context length this holds for
 */
public record MemoryEstimate(long weightsBytes, long activationBytes, long kvBytesPerSession, int contextTokens) {

    /**
     * Everything, with one session.
     *
     * @return bytes
     */
    public long totalBytes() {
        return weightsBytes + activationBytes + kvBytesPerSession;
    }
}
