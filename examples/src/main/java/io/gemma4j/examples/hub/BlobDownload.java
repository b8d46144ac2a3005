package io.gemma4j.examples.hub;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.http.HttpResponse;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Downloads one content, going on where an earlier attempt or process has stopped: what has come is in a file beside it, and the server's tag of the
 * content in another, so that what the two have sent is never mixed. The content gets its name when its size and hash are right. The caller holds the lock.
 */
final class BlobDownload {
    /** In a row, without a byte between them. */
    private static final int ATTEMPTS = 5;
    private static final int BUFFER_BYTES = 1 << 18;
    private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d+)-\\d+/(\\d+|\\*)");

    private final HubClient client;
    private final HubReference reference;
    private final String commit;
    private final HubFile file;
    private final Path blob;
    private final Path partial;
    private final Path tag;
    private final Duration stall;
    private final Duration wait;
    private final DownloadProgress progress;

    BlobDownload(HubClient client, HubReference reference, String commit, HubFile file, Path blob, Duration stall, Duration wait, DownloadProgress progress) {
        this.client = client;
        this.reference = reference;
        this.commit = commit;
        this.file = file;
        this.blob = blob;
        this.partial = blob.resolveSibling(blob.getFileName() + ".incomplete");
        this.tag = blob.resolveSibling(blob.getFileName() + ".incomplete.etag");
        this.stall = stall;
        this.wait = wait;
        this.progress = progress;
    }

    /**
     * Downloads it.
     *
     * @throws HubException if what came is not what the Hub has described
     * @throws FileSystemException if the disk is full; what has come stays
     * @throws IOException if the connection is lost again and again; what has come stays
     */
    void run() throws IOException {
        Files.createDirectories(blob.getParent());
        boolean hadPartial = size() > 0;
        requireSpace();
        fetchAll();
        if (!isRight()) {
            forget();
            if (!hadPartial) {
                throw corrupt();
            }
            fetchAll(); // what an earlier process has left may be to blame
            if (!isRight()) {
                forget();
                throw corrupt();
            }
        }
        Files.move(partial, blob, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        Files.deleteIfExists(tag);
    }

    private long size() throws IOException {
        return Files.exists(partial) ? Files.size(partial) : 0;
    }

    private void requireSpace() throws IOException {
        long missing = file.bytes() - size();
        long free = Files.getFileStore(blob.getParent()).getUsableSpace();
        if (free < missing) {
            throw new FileSystemException(blob.getParent().toString(), null,
                    "needs " + missing + " bytes for " + file.name() + ", but has only " + free + " bytes free");
        }
    }

    private void fetchAll() throws IOException {
        Duration pause = wait;
        for (int failures = 0; size() != file.bytes(); ) {
            long before = size();
            try {
                fetch(before);
            } catch (HubException | FileSystemException | ClosedByInterruptException e) {
                throw e; // trying again would not help
            } catch (IOException e) {
                boolean moved = size() > before;
                failures = moved ? 0 : failures + 1;
                pause = moved ? wait : pause.multipliedBy(2);
                if (Thread.currentThread().isInterrupted() || e.getCause() instanceof InterruptedException) {
                    throw new ClosedByInterruptException();
                }
                if (failures == ATTEMPTS) {
                    throw new IOException("the connection is lost at byte " + size() + " of " + file.bytes() + " of " + file.name()
                            + ", and the same command goes on from there: " + e.getMessage(), e);
                }
                HubClient.sleep(pause);
            }
        }
    }

    // Asks for what is missing; the server may send everything instead.
    private void fetch(long have) throws IOException {
        if (have > file.bytes()) {
            forget();
            have = 0;
        }
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("Accept-Encoding", "identity");
        if (have > 0) {
            headers.put("Range", "bytes=" + have + "-");
            if (Files.exists(tag)) {
                headers.put("If-Range", Files.readString(tag));
            }
        }
        HttpResponse<InputStream> response = client.content(reference, commit, file.name(), headers);
        try (InputStream body = new StallGuard(response.body(), stall)) {
            if (response.statusCode() == 416 || response.statusCode() == 206 && !continues(response, have)) {
                forget();
                throw new IOException("the server cannot go on");
            }
            if (response.statusCode() == 200) {
                forget();
                // Weak tags do not stand for the same bytes.
                Optional<String> strong = response.headers().firstValue("ETag").filter(value -> value.startsWith("\""));
                if (strong.isPresent()) {
                    Files.writeString(tag, strong.get());
                }
            }
            append(body);
        }
    }

    private boolean continues(HttpResponse<?> response, long have) {
        Matcher range = CONTENT_RANGE.matcher(response.headers().firstValue("Content-Range").orElse(""));
        return range.matches() && Long.parseLong(range.group(1)) == have && (range.group(2).equals("*") || Long.parseLong(range.group(2)) == file.bytes());
    }

    private void append(InputStream body) throws IOException {
        byte[] buffer = new byte[BUFFER_BYTES];
        long done = size();
        try (OutputStream out = Files.newOutputStream(partial, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
            progress.onProgress(file.name(), done, file.bytes());
            for (int read = body.read(buffer); read >= 0; read = body.read(buffer)) {
                if (done + read > file.bytes()) {
                    forget();
                    throw new HubException(file.name() + ": expected " + file.bytes() + " bytes, but the server sends more");
                }
                write(out, buffer, read);
                done += read;
                progress.onProgress(file.name(), done, file.bytes());
            }
        }
        if (done < file.bytes()) {
            throw new IOException("it ended too early");
        }
    }

    private void write(OutputStream out, byte[] buffer, int length) throws IOException {
        try {
            out.write(buffer, 0, length);
        } catch (ClosedByInterruptException e) {
            throw e;
        } catch (IOException e) {
            throw new FileSystemException(partial.toString(), null, e.getMessage() + "; what has come is kept, and the same command goes on from there");
        }
    }

    private boolean isRight() throws IOException {
        ContentHash hash = new ContentHash(file);
        hash.update(partial);
        return hash.hex().equals(file.hash());
    }

    private HubException corrupt() {
        return new HubException(file.name() + ": what the server has sent is damaged: expected the hash " + file.hash() + ", found another; it was deleted");
    }

    private void forget() throws IOException {
        Files.deleteIfExists(partial);
        Files.deleteIfExists(tag);
    }
}
