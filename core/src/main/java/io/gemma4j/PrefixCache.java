package io.gemma4j;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;

/**
 * Sessions of prompts and chats that have ended, for new ones that begin with the same tokens. Thread-safe; the sessions stay the model's, which
 * closes them.
 */
final class PrefixCache {
    // Below this a copy is not worth while; every conversation has the first few tokens in common.
    private static final int MIN_TOKENS = 16;

    private final long maxBytes;
    // Used longest ago first. Nobody else has them.
    private final List<Session> kept = new ArrayList<>();

    /** @param maxBytes memory that kept sessions take at most; 0 keeps none */
    PrefixCache(long maxBytes) {
        this.maxBytes = maxBytes;
    }

    boolean isEnabled() {
        return maxBytes > 0;
    }

    /**
     * A session that holds the longest start of a prompt that is to be had.
     *
     * @param prompt token ids
     * @return a kept session if all of it is a start of the prompt, or there is no memory for more; else a copy of what one has in common with it;
     *     null if none has enough
     */
    Session take(int[] prompt) {
        Session nearest = removeNearest(prompt);
        if (nearest == null) {
            return null;
        }
        int tokens = nearest.text().reachable(prompt);
        if (tokens == nearest.tokens()) {
            return nearest;
        }
        Session copy = copy(nearest, tokens);
        if (copy != nearest) {
            keep(nearest);
        }
        return copy;
    }

    // Copying waits for the steps of others, who must not wait for this.
    private static Session copy(Session session, int tokens) {
        session.enter();
        try {
            return session.fork(tokens);
        } catch (CancellationException | OutOfDeviceMemoryException e) {
            return session; // at the cost of what else it holds
        } finally {
            session.exit();
        }
    }

    private synchronized Session removeNearest(int[] prompt) {
        Session nearest = null;
        int most = MIN_TOKENS;
        for (Session session : kept) {
            int tokens = session.text().reachable(prompt);
            if (tokens >= most) { // of several, the one used last
                nearest = session;
                most = tokens;
            }
        }
        kept.remove(nearest);
        return nearest;
    }

    /** How many tokens of a prompt some kept session begins with, whether it can be taken back there or not; 0 where that is not worth a copy. */
    synchronized int longestStart(int[] prompt) {
        int longest = kept.stream().mapToInt(session -> session.text().common(prompt)).max().orElse(0);
        return longest < MIN_TOKENS ? 0 : longest;
    }

    /** Keeps a session that nobody uses any more, or closes it. */
    synchronized void keep(Session session) {
        if (!isEnabled() || session.isClosing() || session.tokens() < MIN_TOKENS) {
            session.close();
            return;
        }
        kept.add(session);
        while (bytes() > maxBytes) {
            kept.removeFirst().close();
        }
    }

    /** Memory that kept sessions take. */
    synchronized long bytes() {
        return kept.stream().mapToLong(session -> session.text().cache().bytes()).sum();
    }

    /** Closes the session that was used longest ago; false if there is none. */
    synchronized boolean evict() {
        if (kept.isEmpty()) {
            return false;
        }
        kept.removeFirst().close();
        return true;
    }
}
