package io.gemma4j.examples;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * A resource as a file that can be mapped, kept in a folder between runs. The file's name has a hash of the content, and whoever finds the file
 * compares its content, so that several processes and versions share a folder without locks: a file appears under its name only when it is
 * complete. Thread-safe.
 */
final class CachedResource {
    private static final String TEMPORARY = ".part";
    /** Nobody takes so long to write one; what is older was left behind by a process that was killed. */
    private static final Duration ABANDONED = Duration.ofHours(1);

    private CachedResource() {}

    /**
     * The file, written unless it is there.
     *
     * @param resource a resource of this package
     * @param folder made if it is not there
     * @throws IOException if the resource is missing or the file cannot be written
     */
    static Path file(String resource, Path folder) throws IOException {
        byte[] content = content(resource);
        int dot = resource.lastIndexOf('.');
        Path file = folder.resolve(resource.substring(0, dot) + "-" + hash(content) + resource.substring(dot));
        if (!holds(file, content)) {
            Files.createDirectories(folder);
            deleteAbandoned(folder);
            write(file, content);
        }
        return file;
    }

    private static byte[] content(String resource) throws IOException {
        try (InputStream in = CachedResource.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new FileNotFoundException(resource + " is missing from the examples jar");
            }
            return in.readAllBytes();
        }
    }

    private static String hash(byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content), 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private static boolean holds(Path file, byte[] content) throws IOException {
        return Files.isRegularFile(file) && Files.size(file) == content.length && Arrays.equals(content, Files.readAllBytes(file));
    }

    private static void write(Path file, byte[] content) throws IOException {
        Path temporary = Files.createTempFile(file.getParent(), file.getFileName() + ".", TEMPORARY);
        try {
            Files.write(temporary, content);
            try {
                Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
            } catch (IOException e) {
                // Where a file in use cannot be replaced, another process has just put it there.
                if (!holds(file, content)) {
                    throw e;
                }
            }
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    private static void deleteAbandoned(Path folder) throws IOException {
        Instant youngest = Instant.now().minus(ABANDONED);
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*" + TEMPORARY)) {
            for (Path file : files) {
                if (Files.exists(file) && Files.getLastModifiedTime(file).toInstant().isBefore(youngest)) {
                    Files.deleteIfExists(file);
                }
            }
        }
    }
}
