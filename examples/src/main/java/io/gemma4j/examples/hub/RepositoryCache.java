package io.gemma4j.examples.hub;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A repository in the cache of Hugging Face's programs: contents under {@code blobs} by their hash, the files of each commit under {@code snapshots} as
 * links to them, and under {@code refs} the commit of each branch. Files appear under their names only when they are complete.
 *
 * @param cache folder of all repositories
 * @param folder folder of this one
 */
record RepositoryCache(Path cache, Path folder) {

    static RepositoryCache of(Path cache, HubReference reference) {
        return new RepositoryCache(cache, cache.resolve("models--" + reference.repository().replace("/", "--")));
    }

    Path blob(HubFile file) {
        return folder.resolve("blobs").resolve(file.hash());
    }

    /** Where a download of this content is locked. */
    Path lock(HubFile file) {
        return cache.resolve(".locks").resolve(folder.getFileName()).resolve(file.hash() + ".lock");
    }

    /** A file of a commit, which need not exist. */
    Path snapshot(String commit, String name) {
        return folder.resolve("snapshots").resolve(commit).resolve(name);
    }

    /** Gives a content its name in a commit. Where links are not allowed, it is a copy. */
    Path link(String commit, HubFile file) throws IOException {
        Path blob = blob(file);
        Path name = snapshot(commit, file.name());
        if (Files.exists(name) && Files.isSameFile(name, blob) || isCopy(name, file)) {
            return name;
        }
        Files.createDirectories(name.getParent());
        Files.deleteIfExists(name); // a link to what is not there any more
        try {
            Files.createSymbolicLink(name, name.getParent().relativize(blob));
        } catch (FileAlreadyExistsException e) {
            return name; // another process has just made it
        } catch (UnsupportedOperationException | FileSystemException e) {
            Path copy = Files.createTempFile(name.getParent(), name.getFileName() + ".", ".part");
            Files.copy(blob, copy, StandardCopyOption.REPLACE_EXISTING);
            Files.move(copy, name, StandardCopyOption.ATOMIC_MOVE);
        }
        return name;
    }

    private static boolean isCopy(Path name, HubFile file) throws IOException {
        return Files.isRegularFile(name) && !Files.isSymbolicLink(name) && Files.size(name) == file.bytes();
    }

    /** Notes which commit a branch was at. */
    void setCommit(String revision, String commit) throws IOException {
        Path ref = folder.resolve("refs").resolve(revision);
        if (revision.equals(commit) || Optional.of(commit).equals(commit(revision))) {
            return;
        }
        Files.createDirectories(ref.getParent());
        Path written = Files.createTempFile(ref.getParent(), "ref.", ".part");
        Files.writeString(written, commit);
        Files.move(written, ref, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Which commit a branch was at when it was last asked for; a commit is its own. */
    Optional<String> commit(String revision) throws IOException {
        Path ref = folder.resolve("refs").resolve(revision);
        if (Files.isRegularFile(ref)) {
            return Optional.of(Files.readString(ref).strip());
        }
        return Files.isDirectory(folder.resolve("snapshots").resolve(revision)) ? Optional.of(revision) : Optional.empty();
    }

    /** The names of the files of a commit that are here. */
    List<String> names(String commit) throws IOException {
        Path snapshot = folder.resolve("snapshots").resolve(commit);
        if (!Files.isDirectory(snapshot)) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(snapshot)) {
            return files.filter(Files::isRegularFile).map(file -> snapshot.relativize(file).toString().replace('\\', '/')).toList();
        }
    }
}
