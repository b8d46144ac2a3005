package io.gemma4j.examples.server;

import io.gemma4j.Gemma4;
import io.gemma4j.Session;

/**
 * A place where one request at a time is answered. Its session outlives the request, for one that goes on where that has ended.
 */
final class Slot implements AutoCloseable {
    private final Gemma4 model;
    private Session session;
    private String transcript = "";
    private long lastUse;

    Slot(Gemma4 model) {
        this.model = model;
    }

    /** The session, opened when it is needed first; null where the model keeps sessions itself, for whatever slot. */
    Session session() {
        if (session == null && model.loadOptions().prefixCacheBytes() == 0) {
            session = model.newSession();
        }
        return session;
    }

    /** What the last prompt was, in words that are the same for the same prompt. */
    String transcript() {
        return transcript;
    }

    long lastUse() {
        return lastUse;
    }

    void taken(String newTranscript, long use) {
        transcript = newTranscript;
        lastUse = use;
    }

    @Override
    public void close() {
        if (session != null) {
            session.close();
        }
    }
}
