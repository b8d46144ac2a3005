package io.gemma4j;

/** A session's file is damaged, foreign, of another version, or of another model. Names file, part, what was expected and found. */
public final class SessionFormatException extends Gemma4Exception {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param file the file
     * @param subject the part of the file concerned
     * @param expected what was expected there
     * @param found what was found instead
     */
    public SessionFormatException(String file, String subject, String expected, String found) {
        super(file + ": " + subject + ": expected " + expected + ", found " + found);
    }
}
