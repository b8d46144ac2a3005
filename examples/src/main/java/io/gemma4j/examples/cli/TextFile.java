package io.gemma4j.examples.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Text from outside, which has to be UTF-8 and is taken as it is, line ends included. */
final class TextFile {
    private TextFile() {}

    /**
     * Reads a file.
     *
     * @throws IOException if it cannot be read or is not UTF-8; names the file
     */
    static String read(Path file) throws IOException {
        if (Files.isDirectory(file)) {
            throw new FileSystemException(file.toString(), null, "is a directory, expected a text file");
        }
        return decode(file.toString(), Files.readAllBytes(file));
    }

    /**
     * Decodes what has been read.
     *
     * @param source names it in messages
     * @throws IOException if it is not UTF-8
     */
    static String decode(String source, byte[] bytes) throws IOException {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw new FileSystemException(source, null, "is not UTF-8 text");
        }
    }
}
