package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Prompts and chats that find what others before them have computed. */
@Timeout(240)
class PrefixCacheTest {
    private static final String RULES = "These are the rules of the house, which are long enough to be worth keeping: ";

    private static Gemma4 load(long bytes) throws Exception {
        return MiniModels.load(MiniModels.DENSE, o -> o.kvType(KvType.F32).prefillTokens(7).prefixCacheBytes(bytes));
    }

    private static Generation answer(Gemma4 model, String prompt, int maxTokens) {
        return model.prompt(prompt).raw(true).temperature(0).maxTokens(maxTokens).generate();
    }

    private static int tokens(Gemma4 model, String text) {
        return model.tokenizer().encode(text).length;
    }

    @Test
    void withoutCacheNothingIsKept() throws Exception {
        try (Gemma4 model = load(0)) {
            answer(model, RULES + "one", 3);
            assertEquals(0, model.openSessions());
            assertEquals(0, answer(model, RULES + "one", 3).usage().cachedTokens());
        }
    }

    @Test
    void promptWithTheSameStartSaysTheSameForLessWork() throws Exception {
        try (Gemma4 model = load(1L << 30); Gemma4 without = load(0)) {
            assertEquals(0, answer(model, RULES + "one", 3).usage().cachedTokens());
            Generation second = answer(model, RULES + "two", 3);
            assertTrue(second.usage().cachedTokens() >= tokens(model, RULES) - 1, second.usage().toString());
            assertEquals(answer(without, RULES + "two", 3).tokens(), second.tokens());
            assertEquals(2, model.openSessions(), "the first is still there");
            Generation again = answer(model, RULES + "one", 3);
            assertEquals(again.usage().promptTokens() - 1, again.usage().cachedTokens());
            assertEquals(answer(without, RULES + "one", 3).tokens(), again.tokens());
        }
    }

    @Test
    void promptThatGoesOnWithWholeTextTakesItsSession() throws Exception {
        try (Gemma4 model = load(1L << 30)) {
            String text = RULES;
            for (int turn = 0; turn < 3; turn++) {
                Generation answer = answer(model, text, 4);
                // The last token drawn was not fed, and the text may be cut into other tokens now.
                assertTrue(turn == 0 || answer.usage().cachedTokens() > answer.usage().promptTokens() / 2, answer.usage().toString());
                text += answer.text() + " and then ";
            }
            assertTrue(model.openSessions() <= 5);
        }
    }

    @Test
    void shortStartsInCommonAreNotCopied() throws Exception {
        try (Gemma4 model = load(1L << 30)) {
            answer(model, "a b c d e f g h i j k l m n o p q r s t u v w x y z", 3);
            assertEquals(0, answer(model, "a b c and something else that is long enough to be kept", 3).usage().cachedTokens());
        }
    }

    @Test
    void whatTheRingsHaveLostIsNotedWhereThePromptsPart() throws Exception {
        try (Gemma4 model = load(1L << 30); Gemma4 without = load(0)) {
            String rest = " and what else there is to be said";
            int first = answer(model, RULES + "one" + rest, 30).usage().cachedTokens();
            int second = answer(model, RULES + "two" + rest, 30).usage().cachedTokens();
            Generation third = answer(model, RULES + "three" + rest, 30);
            assertEquals(List.of(0, 0), List.of(first, second));
            assertTrue(third.usage().cachedTokens() >= tokens(model, RULES) - 1, third.usage().toString());
            assertEquals(answer(without, RULES + "three" + rest, 30).tokens(), third.tokens());
        }
    }

    @Test
    void sessionsUsedLongestAgoAreClosedWhenThereIsNoRoom() throws Exception {
        long one;
        try (Gemma4 model = load(1L << 30)) {
            answer(model, "x".repeat(40), 1);
            one = model.sessions().keptBytes();
            assertTrue(one > 0);
        }
        try (Gemma4 model = load(2 * one)) {
            for (String letter : List.of("x", "y", "x", "z")) {
                answer(model, letter.repeat(40), 1);
                assertTrue(model.sessions().keptBytes() <= 2 * one);
            }
            assertEquals(2, model.openSessions());
            assertEquals(0, answer(model, "y".repeat(40), 1).usage().cachedTokens());
            assertTrue(answer(model, "z".repeat(40), 1).usage().cachedTokens() > 0);
            assertEquals(0, answer(model, "x".repeat(40), 1).usage().cachedTokens());
        }
        try (Gemma4 model = load(one - 1)) {
            answer(model, "x".repeat(40), 1);
            assertEquals(0, model.openSessions());
        }
    }

    @Test
    void chatsFindEachOthersRules() throws Exception {
        try (Gemma4 model = load(1L << 30); Gemma4 without = load(0)) {
            List<Integer> cached = new ArrayList<>();
            for (String question : List.of("One?", "Two?", "Three?")) {
                List<Reply> replies = new ArrayList<>();
                for (Gemma4 one : List.of(model, without)) {
                    try (Chat chat = one.chat().system(RULES).sampling(s -> s.temperature(0)).maxTokens(5).build()) {
                        replies.add(chat.send(question));
                        replies.add(chat.send("And?"));
                    }
                }
                assertEquals(replies.get(2).text(), replies.get(0).text());
                assertEquals(replies.get(3).text(), replies.get(1).text());
                cached.add(replies.get(0).usage().cachedTokens());
            }
            assertEquals(0, cached.get(0));
            assertTrue(cached.get(2) >= tokens(model, RULES), cached.toString());
            assertEquals(0, without.openSessions());
            Chat unused = model.chat().build();
            int open = model.openSessions();
            unused.close();
            assertEquals(open, model.openSessions());
            assertThrows(IllegalStateException.class, () -> unused.send("x"));
        }
    }

    @Test
    void chatClosedWhileItAnswersKeepsNothingOpenThatIsUsed() throws Exception {
        try (Gemma4 model = load(1L << 30)) {
            Chat chat = model.chat().system(RULES).build();
            Reply reply = chat.stream("One?", event -> chat.close());
            assertEquals(FinishReason.CANCELLED, reply.finishReason());
            assertThrows(IllegalStateException.class, () -> chat.send("Two?"));
            assertTrue(model.openSessions() <= 1);
            chat.close();
        }
    }

    @Test
    void keptSessionsMakeRoomWhereTheDeviceHasNone() throws Exception {
        try (Gemma4 model = new SmallDevice(3, Long.MAX_VALUE).load(MiniModels.DENSE, MiniModels.options().prefixCacheBytes(1L << 30))) {
            for (String letter : List.of("x", "y", "z", "w")) {
                answer(model, letter.repeat(40), 1);
            }
            assertEquals(3, model.openSessions());
            try (Session one = model.newSession(); Session two = model.newSession(); Session three = model.newSession()) {
                assertEquals(3, model.openSessions());
                assertThrows(OutOfDeviceMemoryException.class, model::newSession);
                assertEquals(0, one.tokens() + two.tokens() + three.tokens());
            }
            // There is no room for a copy: the kept session itself is taken.
            answer(model, RULES + "one", 1);
            try (Session one = model.newSession(); Session two = model.newSession()) {
                assertEquals(0, one.tokens() + two.tokens());
                assertTrue(answer(model, RULES + "two", 1).usage().cachedTokens() > 0);
            }
        }
    }

    @Test
    void manyThreadsShareTheCache() throws Exception {
        try (Gemma4 model = load(8L << 20); Gemma4 without = load(0)) {
            List<List<Integer>> expected = IntStream.range(0, 3).mapToObj(i -> answer(without, RULES + i, 5).tokens()).toList();
            List<CompletableFuture<Void>> threads = IntStream.range(0, 3).mapToObj(thread -> CompletableFuture.runAsync(() -> {
                Random random = new Random(thread);
                for (int round = 0; round < 5; round++) {
                    int i = random.nextInt(3);
                    assertEquals(expected.get(i), answer(model, RULES + i, 5).tokens());
                }
            })).toList();
            for (CompletableFuture<Void> thread : threads) {
                thread.get();
            }
            assertTrue(answer(model, RULES + 0, 5).usage().cachedTokens() > 0);
        }
    }
}
