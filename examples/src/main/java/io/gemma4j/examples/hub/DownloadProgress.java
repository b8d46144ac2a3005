package io.gemma4j.examples.hub;

/** Who is told how far a download has come. Called by the downloading thread. */
@FunctionalInterface
public interface DownloadProgress {
    /** Tells nobody. */
    DownloadProgress NONE = (file, done, total) -> {};

    /**
     * Some more has come.
     *
     * @param file name of the file
     * @param doneBytes on the disk by now, those of earlier attempts included
     * @param totalBytes size of the file
     */
    void onProgress(String file, long doneBytes, long totalBytes);
}
