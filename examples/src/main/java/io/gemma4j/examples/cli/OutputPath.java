package io.gemma4j.examples.cli;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where a command writes to, looked at before it begins its work. */
final class OutputPath {
    private OutputPath() {}

    /**
     * Refuses what would destroy an input or cannot be written.
     *
     * @param inputs what the command reads; null for none
     * @throws IOException if {@code path} is a directory, is in none, or is one of the inputs
     */
    static void require(Path path, Path... inputs) throws IOException {
        if (Files.isDirectory(path)) {
            throw new FileSystemException(path.toString(), null, "is a directory, expected a file to write to");
        }
        Path folder = path.toAbsolutePath().getParent();
        if (!Files.isDirectory(folder)) {
            throw new FileSystemException(path.toString(), null, "there is no directory " + folder);
        }
        for (Path input : inputs) {
            if (input != null && Files.exists(path) && Files.exists(input) && Files.isSameFile(path, input)) {
                throw new FileSystemException(path.toString(), null, "is what is read, expected another file to write to");
            }
        }
    }
}
