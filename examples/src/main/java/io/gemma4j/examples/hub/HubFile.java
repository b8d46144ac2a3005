package io.gemma4j.examples.hub;

import java.util.regex.Pattern;

/**
 * A file of a repository, as the Hub describes it.
 *
 * @param name its path in the repository
 * @param bytes its size
 * @param hash of its content, in hexadecimal digits: SHA-256, or where Git itself keeps it, Git's own SHA-1
 */
record HubFile(String name, long bytes, String hash) {
    private static final Pattern NAME = Pattern.compile("[^/\\\\:\\p{Cntrl}]+(/[^/\\\\:\\p{Cntrl}]+)*");
    private static final Pattern HASH = Pattern.compile("[0-9a-f]{40}|[0-9a-f]{64}");

    /** Whether it can have a place in the cache: a server's word must not lead outside it. */
    boolean isSound() {
        return NAME.matcher(name).matches() && !("/" + name + "/").contains("/../") && !("/" + name + "/").contains("/./") && bytes >= 0
                && HASH.matcher(hash).matches();
    }

    /** Whether its hash is SHA-256. */
    boolean isSha256() {
        return hash.length() == 64;
    }
}
