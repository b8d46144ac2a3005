package io.gemma4j;

import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.KvStore;
import io.gemma4j.model.Gemma4Decoder;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.zip.CRC32C;

/**
 * The file of a session: {@link SessionHeader}, token ids, the logits if there are any, each array of the cache in pieces of {@value #PIECE_POSITIONS}
 * positions, each {@code [kvHeads][positions][headBytes]}, and the CRC-32C of all that follows the header. Its length follows from the header and the
 * model. It does not depend on where the model runs.
 */
final class SessionFile {
    private static final int PIECE_POSITIONS = 256;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Gemma4Decoder decoder;
    private final KvCache cache;
    private final BooleanSupplier cancelled;
    private final FileChannel channel;
    private final String name;
    private final CRC32C checksum = new CRC32C();
    private final Arena arena;

    private SessionFile(Gemma4 model, SessionText text, BooleanSupplier cancelled, FileChannel channel, Path file, Arena arena) {
        this.decoder = model.decoder();
        this.cache = text.cache();
        this.cancelled = () -> cancelled.getAsBoolean() || Thread.currentThread().isInterrupted();
        this.channel = channel;
        this.name = file.toString();
        this.arena = arena;
    }

    /**
     * Writes a text, whose session its caller has entered. What stands at the place is replaced once everything is written.
     *
     * @param cancelled asked between pieces
     */
    static void write(Path file, Gemma4 model, SessionText text, BooleanSupplier cancelled) throws IOException {
        Path target = file.toAbsolutePath();
        if (Files.isDirectory(target)) {
            throw new FileSystemException(file.toString(), null, "is a directory");
        }
        Path part = Files.createTempFile(target.getParent(), target.getFileName().toString(), ".part");
        try {
            try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE); Arena arena = Arena.ofConfined()) {
                new SessionFile(model, text, cancelled, channel, file, arena).write(model, text);
                channel.force(true);
            }
            replace(part, target);
        } catch (ClosedByInterruptException e) {
            throw (CancellationException) new CancellationException("interrupted").initCause(e);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    private static void replace(Path part, Path target) throws IOException {
        try {
            Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(part, target, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private void write(Gemma4 model, SessionText text) throws IOException {
        int[] tokens = text.history();
        SessionHeader header = new SessionHeader(model, tokens.length, cache.firstOfWindows(), cache.firstOfTails(), text.hasLogits());
        writeFully(header.encode());
        writeBody(arena.allocateFrom(INT, tokens));
        if (header.logits()) {
            writeBody(arena.allocateFrom(FLOAT, text.lastLogits()));
        }
        for (KvCache.Part part : parts(header)) {
            KvStore store = part.store();
            MemorySegment piece = arena.allocate(store.bytes(PIECE_POSITIONS), Long.BYTES);
            for (int at = part.firstPosition(), count; at < header.tokens(); at += count) {
                int position = at;
                count = Math.min(PIECE_POSITIONS, header.tokens() - at);
                MemorySegment bytes = piece.asSlice(0, store.bytes(count));
                int positions = count;
                whileIdle(() -> store.readPositions(position, positions, bytes));
                writeBody(bytes);
            }
        }
        writeFully(ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt((int) checksum.getValue()).flip());
    }

    private void writeBody(MemorySegment bytes) throws IOException {
        checksum.update(bytes.asByteBuffer());
        writeFully(bytes.asByteBuffer());
    }

    private void writeFully(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /**
     * Reads a text into an empty session.
     *
     * @throws SessionFormatException if the file is damaged or not of a session of the model
     * @throws ContextOverflowException if it has more tokens than the session has room for
     */
    static void read(Path file, Gemma4 model, SessionText text, BooleanSupplier cancelled) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ); Arena arena = Arena.ofConfined()) {
            new SessionFile(model, text, cancelled, channel, file, arena).read(model, text);
        } catch (ClosedByInterruptException e) {
            throw (CancellationException) new CancellationException("interrupted").initCause(e);
        }
    }

    private void read(Gemma4 model, SessionText text) throws IOException {
        ByteBuffer start = ByteBuffer.allocate(SessionHeader.BYTES);
        readFully(start, "header");
        SessionHeader header = SessionHeader.decode(name, start.flip(), model);
        int tokens = header.tokens();
        if (tokens > cache.contextTokens()) {
            throw new ContextOverflowException(tokens, 0, cache.contextTokens());
        }
        if (header.firstOfWindows() > cache.firstSeen(tokens)) {
            throw new SessionFormatException(name, "first position of sliding layers", "at most " + cache.firstSeen(tokens),
                    Integer.toString(header.firstOfWindows()));
        }
        if (header.firstOfTails() < KvCache.firstOfTails(tokens)) {
            throw new SessionFormatException(name, "first position of tails", "at least " + KvCache.firstOfTails(tokens),
                    Integer.toString(header.firstOfTails()));
        }
        requireBytes(header);
        int[] ids = readTokens(header);
        float[] logits = header.logits() ? readBody(arena.allocate((long) header.vocabulary() * Float.BYTES), "logits").toArray(FLOAT) : null;
        for (KvCache.Part part : parts(header)) {
            KvStore store = part.store();
            MemorySegment piece = arena.allocate(store.bytes(PIECE_POSITIONS), Long.BYTES);
            for (int at = part.firstPosition(), count; at < tokens; at += count) {
                int position = at;
                count = Math.min(PIECE_POSITIONS, tokens - at);
                int positions = count;
                MemorySegment bytes = readBody(piece.asSlice(0, store.bytes(count)), "keys and values");
                whileIdle(() -> store.writePositions(position, positions, bytes));
            }
        }
        requireChecksum();
        cache.resume(tokens, header.firstOfWindows(), header.firstOfTails());
        text.set(ids, logits);
    }

    private List<KvCache.Part> parts(SessionHeader header) {
        return cache.parts(header.tokens(), header.firstOfWindows(), header.firstOfTails());
    }

    private void requireBytes(SessionHeader header) throws IOException {
        long bytes = SessionHeader.BYTES + (long) header.tokens() * Integer.BYTES + (header.logits() ? (long) header.vocabulary() * Float.BYTES : 0)
                + Integer.BYTES;
        for (KvCache.Part part : parts(header)) {
            bytes += part.store().bytes(header.tokens() - part.firstPosition());
        }
        if (channel.size() != bytes) {
            throw new SessionFormatException(name, "length", bytes + " bytes for " + header.tokens() + " tokens", Long.toString(channel.size()));
        }
    }

    private int[] readTokens(SessionHeader header) throws IOException {
        int[] ids = readBody(arena.allocate((long) header.tokens() * Integer.BYTES), "tokens").toArray(INT);
        for (int id : ids) {
            if (id < 0 || id >= header.vocabulary()) {
                throw new SessionFormatException(name, "tokens", "from 0 to " + (header.vocabulary() - 1), Integer.toString(id));
            }
        }
        return ids;
    }

    private void requireChecksum() throws IOException {
        ByteBuffer end = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        readFully(end, "checksum");
        int found = end.flip().getInt();
        if (found != (int) checksum.getValue()) {
            throw new SessionFormatException(name, "checksum", Integer.toHexString((int) checksum.getValue()), Integer.toHexString(found));
        }
    }

    private MemorySegment readBody(MemorySegment to, String subject) throws IOException {
        readFully(to.asByteBuffer(), subject);
        checksum.update(to.asByteBuffer());
        return to;
    }

    private void readFully(ByteBuffer to, String subject) throws IOException {
        while (to.hasRemaining()) {
            if (channel.read(to) < 0) {
                throw new SessionFormatException(name, subject, to.remaining() + " more bytes", "the end of the file");
            }
        }
    }

    private void whileIdle(Runnable work) {
        decoder.betweenSteps(cancelled, () -> {
            work.run();
            return null;
        });
    }
}
