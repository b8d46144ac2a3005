package io.gemma4j.examples.batch;

import com.fasterxml.jackson.databind.JsonNode;
import io.gemma4j.Gemma4Exception;
import io.gemma4j.examples.conversation.ConversationJson;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Answers the lines of one file in another, in their order. An answer is on the disk before the next row begins, so that a run that was killed goes on
 * with the first row that has none; a last line without its end was torn and is written anew. Answers tell their row's hash: those of another input
 * are not taken for those of this one. Used by one thread.
 *
 * @param in JSON lines; blank ones are skipped
 * @param out where the answers go
 */
public record BatchFile(Path in, Path out) {
    /** Beyond every end: on some systems what is locked cannot be read. */
    private static final long LOCKED_BYTE = Long.MAX_VALUE - 1;

    /** Answers one row. */
    @FunctionalInterface
    public interface Answer {
        /**
         * Answers it.
         *
         * @param line its number, from 1
         * @param row UTF-8
         * @return JSON without a line end
         */
        String to(long line, byte[] row);
    }

    /** Who is told how far it has come. */
    @FunctionalInterface
    public interface Progress {
        /**
         * One more row has its answer.
         *
         * @param doneRows those of earlier runs included
         * @param totalRows rows of the input
         */
        void onProgress(long doneRows, long totalRows);
    }

    /**
     * What came of a run.
     *
     * @param rows of the input
     * @param earlierRows that had an answer before this run
     * @param errors answers of this run that say what is wrong with their row
     */
    public record Result(long rows, long earlierRows, long errors) {}

    /**
     * Looks at both files without answering anything, so that what is wrong with them is known before a model is loaded for them.
     *
     * @throws IOException if there is no such input, or the output cannot be a file
     * @throws Gemma4Exception if they are one file
     */
    public void check() throws IOException {
        requireRegular(in); // it is read twice
        if (Files.exists(out)) {
            requireRegular(out);
            if (Files.isSameFile(in, out)) {
                throw new Gemma4Exception(out + ": the answers must go to another file than the rows");
            }
            return;
        }
        Path folder = out.toAbsolutePath().getParent();
        if (!Files.isDirectory(folder)) {
            throw new NoSuchFileException(out.toString(), null, "there is no folder " + folder);
        }
    }

    /**
     * Answers all rows that have no answer yet.
     *
     * @param answer called for one row after the other; what it throws ends the run
     * @param progress called after each row
     * @return counts
     * @throws IOException if a file cannot be read or written, as {@link #check} says
     * @throws Gemma4Exception if both are one file, the output belongs to another input or another process is writing it
     */
    public Result run(Answer answer, Progress progress) throws IOException {
        check();
        long total = countRows();
        try (FileChannel channel = FileChannel.open(out, StandardOpenOption.CREATE, StandardOpenOption.WRITE); FileLock _ = lock(channel);
                LineReader rows = new LineReader(in); LineReader answers = new LineReader(out)) {
            Run run = new Run(channel, answers, answer, progress, total);
            long line = 0;
            for (byte[] row = rows.next(); row != null; row = rows.next()) {
                line++;
                if (!LineReader.isBlank(row)) {
                    run.row(line, row);
                }
            }
            return run.finish();
        }
    }

    private static void requireRegular(Path file) throws IOException {
        if (Files.notExists(file)) {
            throw new NoSuchFileException(file.toString());
        }
        if (!Files.isRegularFile(file)) {
            throw new FileSystemException(file.toString(), null, "expected a file, found a directory, device or pipe");
        }
    }

    private FileLock lock(FileChannel channel) throws IOException {
        FileLock lock = null;
        try {
            lock = channel.tryLock(LOCKED_BYTE, 1, false);
        } catch (OverlappingFileLockException e) {
            // This process holds it already: as if another one did.
        }
        if (lock == null) {
            throw new Gemma4Exception(out + ": another process is writing this file");
        }
        return lock;
    }

    private long countRows() throws IOException {
        long count = 0;
        try (LineReader rows = new LineReader(in)) {
            for (byte[] row = rows.next(); row != null; row = rows.next()) {
                count += LineReader.isBlank(row) ? 0 : 1;
            }
        }
        return count;
    }

    /** One pass over both files side by side. */
    private final class Run {
        private final FileChannel channel;
        private final LineReader answers;
        private final Answer answer;
        private final Progress progress;
        private final long total;
        private long earlier;
        private long done;
        private long errors;
        private boolean writing;

        Run(FileChannel channel, LineReader answers, Answer answer, Progress progress, long total) {
            this.channel = channel;
            this.answers = answers;
            this.answer = answer;
            this.progress = progress;
            this.total = total;
        }

        void row(long line, byte[] row) throws IOException {
            if (!writing && hasAnswer(line, row)) {
                earlier++;
            } else {
                write(line, row);
            }
            done++;
            progress.onProgress(done, total);
        }

        private boolean hasAnswer(long line, byte[] row) throws IOException {
            long start = answers.endBytes();
            byte[] text = answers.next();
            if (text != null && !answers.isTorn()) {
                JsonNode found = ConversationJson.object(place(), new String(text, StandardCharsets.UTF_8));
                if (!found.path("input").asText().equals(RowHash.of(row))) {
                    throw new Gemma4Exception(place() + ": expected the answer to line " + line + " of " + in + ", found that to another row; remove "
                            + out + " or write to another file");
                }
                return true;
            }
            channel.truncate(start);
            channel.position(start);
            writing = true;
            return false;
        }

        private String place() {
            return out + ": line " + (done + 1);
        }

        private void write(long line, byte[] row) throws IOException {
            String text = answer.to(line, row);
            errors += ConversationJson.object("answer", text).has("error") ? 1 : 0;
            ByteBuffer bytes = StandardCharsets.UTF_8.encode(text + "\n");
            try {
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(false);
            } catch (ClosedChannelException e) {
                throw e;
            } catch (IOException e) { // which does not say where: a full disk, for one
                throw (IOException) new FileSystemException(out.toString(), null, e.getMessage()).initCause(e);
            }
        }

        Result finish() throws IOException {
            if (!writing && answers.next() != null) {
                throw new Gemma4Exception(place() + ": expected no more answers than " + in + " has rows, found one; remove " + out
                        + " or write to another file");
            }
            return new Result(total, earlier, errors);
        }
    }
}
