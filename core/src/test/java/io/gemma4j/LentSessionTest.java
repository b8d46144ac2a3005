package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.chat.Conversation;
import io.gemma4j.chat.PromptRenderer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Chats and requests on a session that outlives them. */
@Timeout(120)
class LentSessionTest {
    private static Gemma4 model;

    @BeforeAll
    static void load() throws Exception {
        model = MiniModels.dense();
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static Reply answer(Session session, List<Message> messages) {
        Chat.Builder builder = model.chat().messages(messages).sampling(options -> options.temperature(0)).maxTokens(5);
        try (Chat chat = (session == null ? builder : builder.session(session)).build()) {
            return chat.stream(List.of(), event -> {});
        }
    }

    private static int[] prompt(List<Message> messages) {
        return PromptRenderer.tokens(model.tokenizer(), PromptRenderer.render(new Conversation(messages, List.of(), false, true)));
    }

    private static Generation generate(Session session, String prompt) {
        GenerationRequest request = model.prompt(prompt).raw(true).temperature(0).maxTokens(6);
        return (session == null ? request : request.session(session)).generate();
    }

    @Test
    void chatGoesOnWhereAnotherOneOnTheSessionWasAndSaysTheSame() {
        try (Session session = model.newSession()) {
            List<Message> messages = new ArrayList<>(List.of(Message.system("Be brief."), Message.user("One two three")));
            Reply first = answer(session, messages);
            assertEquals(0, first.usage().cachedTokens());
            int[] firstPrompt = prompt(messages);
            messages.addAll(List.of(Message.model(first.text()), Message.user("and four")));
            Reply second = answer(session, messages);
            Reply alone = answer(null, messages);
            assertEquals(Arrays.mismatch(firstPrompt, prompt(messages)), second.usage().cachedTokens());
            assertEquals(alone.text(), second.text());
            assertEquals(0, alone.usage().cachedTokens());
        }
    }

    @Test
    void requestGoesOnWhereAnotherOneOnTheSessionWasAndSaysTheSame() {
        try (Session session = model.newSession()) {
            Generation first = generate(session, "One two three");
            String longer = "One two three" + first.text() + " and four";
            Generation second = generate(session, longer);
            assertTrue(second.usage().cachedTokens() >= first.usage().promptTokens(), second.usage().toString());
            assertEquals(generate(null, longer).tokens(), second.tokens());
        }
    }

    @Test
    void lentSessionStaysOpenUntilItsOwnerClosesIt() {
        int open = model.openSessions();
        Session session = model.newSession();
        answer(session, List.of(Message.user("x")));
        generate(session, "y");
        assertEquals(open + 1, model.openSessions());
        assertTrue(session.tokens() > 0);
        session.close();
        assertEquals(open, model.openSessions());
        assertThrows(IllegalStateException.class, () -> answer(session, List.of(Message.user("x"))));
    }

    @Test
    void closedChatRefusesToAnswerThoughItsSessionIsOpen() {
        try (Session session = model.newSession()) {
            Chat chat = model.chat().session(session).build();
            chat.close();
            assertThrows(IllegalStateException.class, () -> chat.send("x"));
        }
    }

    @Test
    void sessionThatIsUsedMeanwhileEndsTheRequestInsteadOfItsText() {
        try (Session session = model.newSession()) {
            GenerationRequest request = model.prompt("One").raw(true).temperature(0).maxTokens(20).session(session);
            assertThrows(IllegalStateException.class, () -> request.stream(piece -> session.feed(30)));
            session.clear();
            assertThrows(IllegalStateException.class, () -> request.stream(piece -> {
                session.clear();
                generate(session, "Two");
            }));
        }
    }

    @Test
    void sessionOfAnotherModelIsRefused() throws Exception {
        try (Gemma4 other = MiniModels.dense(); Session session = other.newSession()) {
            assertThrows(IllegalArgumentException.class, () -> model.chat().session(session));
            assertThrows(IllegalArgumentException.class, () -> model.prompt("x").session(session));
        }
    }
}
