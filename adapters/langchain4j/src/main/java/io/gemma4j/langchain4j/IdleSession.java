package io.gemma4j.langchain4j;

import io.gemma4j.Gemma4;
import io.gemma4j.Session;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The session of the last answer, so that a conversation that goes on is not computed from its start again. Thread-safe; the session is closed with the
 * model.
 */
final class IdleSession {
    private final Gemma4 model;
    private final AtomicReference<Session> idle = new AtomicReference<>();

    IdleSession(Gemma4 model) {
        this.model = model;
    }

    /** Null where the model keeps the sessions of its chats itself. */
    Session take() {
        if (model.loadOptions().prefixCacheBytes() > 0) {
            return null;
        }
        Session session = idle.getAndSet(null);
        return session == null ? model.newSession() : session;
    }

    void giveBack(Session session) {
        if (session != null && !idle.compareAndSet(null, session)) {
            session.close();
        }
    }
}
