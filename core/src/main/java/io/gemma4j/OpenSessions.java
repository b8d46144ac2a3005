package io.gemma4j;

import io.gemma4j.backend.KvCache;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The sessions of a model that are open, and those that are kept for prompts to come. Thread-safe. The model closes them. */
final class OpenSessions {
    private final Gemma4 model;
    private final LoadOptions options;
    private final PrefixCache prefixes;
    private final Set<Session> open = ConcurrentHashMap.newKeySet();
    private boolean closed;

    OpenSessions(Gemma4 model, LoadOptions options) {
        this.model = model;
        this.options = options;
        this.prefixes = new PrefixCache(options.prefixCacheBytes());
    }

    LoadOptions options() {
        return options;
    }

    /** Whether sessions are kept for prompts to come. */
    boolean keepsPrefixes() {
        return prefixes.isEnabled();
    }

    /**
     * An empty session whose caller may want to take it back.
     *
     * @param tokens that it can hold
     * @throws ContextOverflowException if the context is shorter
     * @throws IllegalStateException if the model is closed
     */
    Session open(int tokens) {
        return open(tokens, options.checkpointBytes());
    }

    /** An empty session that only goes forward; otherwise as {@link #open}. */
    Session openOneWay(int tokens) {
        return open(tokens, 0);
    }

    private Session open(int tokens, long bytesForCheckpoints) {
        if (tokens > model.contextTokens()) {
            throw new ContextOverflowException(tokens, 0, model.contextTokens());
        }
        while (true) {
            try {
                return allocate(tokens, bytesForCheckpoints);
            } catch (OutOfDeviceMemoryException e) {
                if (!prefixes.evict()) {
                    throw e;
                }
            }
        }
    }

    private Session allocate(int tokens, long bytesForCheckpoints) {
        synchronized (open) {
            if (closed) {
                throw new IllegalStateException("the model is closed");
            }
            KvCache cache = model.decoder().newCache(tokens, options.kvType(), bytesForCheckpoints);
            Session session = new Session(model, cache, model.tokenizer().vocabularySize());
            open.add(session);
            return session;
        }
    }

    /**
     * A session for a prompt, or for a chat that begins so: one that holds a start of it, or an empty one.
     *
     * @return to be given to {@link #end}
     */
    Session begin(int[] prompt) {
        if (!keepsPrefixes()) {
            return openOneWay(model.contextTokens());
        }
        int shared = prefixes.longestStart(prompt);
        Session kept = prefixes.take(prompt);
        Session session = kept == null ? open(model.contextTokens()) : kept;
        session.text().checkpoint(shared); // other prompts may part here, too
        return session;
    }

    /** Keeps a session for prompts that begin like its text, or closes it. Nobody uses it any more. */
    void end(Session session) {
        prefixes.keep(session);
    }

    /** Memory of the sessions that are kept. */
    long keptBytes() {
        return prefixes.bytes();
    }

    void forget(Session session) {
        open.remove(session);
    }

    int count() {
        return open.size();
    }

    /** Ends what is running on sessions and closes them; false if that was done before. */
    boolean close() {
        synchronized (open) {
            if (closed) {
                return false;
            }
            closed = true;
        }
        open.forEach(Session::beginClose); // all of them end at once, not one after the other
        open.forEach(Session::close);
        return true;
    }
}
