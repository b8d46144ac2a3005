package io.gemma4j;

/** A model file is damaged, foreign, or holds something this library does not support. Names file, key or tensor, expected and found. */
public final class ModelFormatException extends Gemma4Exception {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param file the file, or the name of the source where there is no file
     * @param subject the key, tensor or part of the file concerned, e.g. {@code key 'gemma4.block_count'}
     * @param expected what was expected there
     * @param found what was found instead
     */
    public ModelFormatException(String file, String subject, String expected, String found) {
        super(file + ": " + subject + ": expected " + expected + ", found " + found);
    }
}
