package io.gemma4j.cuda;

import io.gemma4j.Gemma4Exception;

/** The CUDA driver reported an error. Says which call, and the driver's own name and text for it. */
public final class CudaException extends Gemma4Exception {
    private static final long serialVersionUID = 1L;

    static final int SUCCESS = 0;
    static final int OUT_OF_MEMORY = 2;
    static final int NO_DEVICE = 100;

    private final int status;

    /**
     * Creates the exception.
     *
     * @param status what the call returned
     * @param name the driver's name of it, e.g. {@code CUDA_ERROR_ILLEGAL_ADDRESS}
     * @param text the driver's explanation
     * @param call the C function, with what it was called for
     */
    public CudaException(int status, String name, String text, String call) {
        super(call + ": " + name + " (" + status + "): " + text);
        this.status = status;
    }

    /**
     * What the call returned.
     *
     * @return a {@code CUresult}
     */
    public int status() {
        return status;
    }
}
