package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.chat.Conversation;
import io.gemma4j.chat.PromptRenderer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class ChatTest {
    private final ScriptedBackend backend = new ScriptedBackend();
    private Gemma4 model;

    @BeforeEach
    void load() throws Exception {
        model = backend.load(MiniModels.DENSE, MiniModels.options().contextTokens(512).prefillTokens(64));
    }

    @AfterEach
    void close() {
        model.close();
    }

    private void says(String... answers) {
        backend.says(model.tokenizer(), answers);
    }

    private int[] prompt(List<Message> messages, boolean thinking) {
        return PromptRenderer.tokens(model.tokenizer(), PromptRenderer.render(new Conversation(messages, List.of(), thinking, true)));
    }

    private static String joined(List<? super Chat.Event> events, Class<?> type) {
        return events.stream().filter(type::isInstance).map(event -> switch (event) {
            case Chat.Event.Text(String text, _) -> text;
            case Chat.Event.Thinking(String text) -> text;
            default -> throw new AssertionError(event);
        }).collect(Collectors.joining());
    }

    @Test
    void answersAreRememberedInTheFormOfTheTemplate() {
        try (Chat chat = model.chat().system("Be brief.").build()) {
            says("Hello there.<turn|>", "I am well.<turn|>");
            assertEquals("Hello there.", chat.send("Hi").text());
            backend.fed.clear();
            Reply second = chat.send(" How are you? ");
            assertEquals("I am well.", second.text());
            assertEquals(FinishReason.STOP, second.finishReason());
            List<Message> asked = List.of(Message.system("Be brief."), Message.user("Hi"), Message.model("Hello there."), Message.user(" How are you? "));
            int[] prompt = prompt(asked, false);
            assertEquals(prompt.length, second.usage().promptTokens());
            List<Integer> fedPrompt = backend.fed.subList(0, prompt.length - second.usage().cachedTokens());
            assertEquals(Arrays.stream(prompt).skip(second.usage().cachedTokens()).boxed().toList(), fedPrompt);
            List<Message> all = new ArrayList<>(asked);
            all.add(Message.model("I am well."));
            assertEquals(all, chat.messages());
        }
    }

    @Test
    void piecesTellOfTheTokensThatWereDrawnForThem() {
        try (Chat chat = model.chat().thinking(Thinking.ON).logprobs(2).stop("end").build()) {
            says("<|channel>thought\nHm.\n<channel|>It is en route, and here it ends.<turn|>");
            List<TokenScore> told = new ArrayList<>();
            StringBuilder text = new StringBuilder();
            Reply reply = chat.stream("Where is it?", event -> {
                if (event instanceof Chat.Event.Text(String piece, List<TokenScore> scores)) {
                    text.append(piece);
                    told.addAll(scores);
                    // A piece may be held back that could begin a stop string, never told too late.
                    assertTrue(model.tokenizer().decode(told.stream().mapToInt(TokenScore::token).toArray()).startsWith(text.toString()));
                }
            });
            assertEquals("It is en route, and here it ", reply.text());
            assertEquals(reply.logprobs().subList(0, told.size()), told);
            assertFalse(told.isEmpty());
        }
        try (Chat chat = model.chat().build()) {
            says("Here.<turn|>");
            chat.stream("Where is it?", event -> assertTrue(!(event instanceof Chat.Event.Text piece) || piece.logprobs().isEmpty()));
        }
    }

    @Test
    void reusedKeysGiveTheLogitsOfAFreshStart() throws Exception {
        for (Fixture fixture : List.of(MiniModels.DENSE, MiniModels.ELASTIC, MiniModels.MOE)) {
            ScriptedBackend scripted = new ScriptedBackend();
            try (Gemma4 exact = scripted.load(fixture, MiniModels.options().kvType(KvType.F32).contextTokens(512).prefillTokens(24));
                    Chat chat = exact.chat().build()) {
                for (int turn = 0; turn < 8; turn++) {
                    // Some answers are longer than the rings can go back.
                    scripted.says(exact.tokenizer(), "word ".repeat(turn % 3 == 2 ? 40 : 3) + turn + "<turn|>");
                    Reply reply = chat.send("question " + turn);
                    assertTrue(turn == 0 || turn % 3 == 0 || reply.usage().cachedTokens() > 0, "turn " + turn);
                    float[] warm = scripted.lastLogits();
                    try (Chat fresh = exact.chat().messages(chat.messages().subList(0, chat.messages().size() - 1)).build()) {
                        scripted.says(exact.tokenizer(), "word ".repeat(turn % 3 == 2 ? 40 : 3) + turn + "<turn|>");
                        assertEquals(0, fresh.stream(List.of(), event -> {}).usage().cachedTokens());
                        assertTrue(Fixture.relativeL2(warm, scripted.lastLogits()) < 1e-4, fixture + " turn " + turn);
                    }
                }
            }
        }
    }

    @Test
    void longChatFeedsOnlyWhatIsNew() throws Exception {
        ScriptedBackend scripted = new ScriptedBackend();
        try (Gemma4 large = scripted.load(MiniModels.DENSE, MiniModels.options().contextTokens(4096).prefillTokens(64)); Chat chat = large.chat().build()) {
            for (int turn = 0; turn < 100; turn++) {
                scripted.says(large.tokenizer(), "ok " + turn + "<turn|>");
                scripted.fed.clear();
                Reply reply = chat.send("n" + turn);
                int answer = reply.usage().generatedTokens() - 1;
                assertEquals(reply.usage().promptTokens() - reply.usage().cachedTokens() + answer, scripted.fed.size());
                // The answer before, in the form of a past turn, the question, and the beginning of a turn.
                assertTrue(scripted.fed.size() < 60, "turn " + turn + " fed " + scripted.fed.size());
            }
            assertEquals(200, chat.messages().size());
        }
    }

    @Test
    void thoughtsAreToldApartAndForgotten() {
        try (Chat chat = model.chat().thinking(Thinking.ON).build()) {
            says("<|channel>thought\nlet me add\n<channel|>Four.<turn|>", "Six.<turn|>");
            List<Chat.Event> events = new ArrayList<>();
            Reply reply = chat.stream("2+2?", events::add);
            assertEquals("Four.", reply.text());
            assertEquals("let me add", reply.thinking());
            assertEquals("let me add", joined(events, Chat.Event.Thinking.class));
            assertEquals("Four.", joined(events, Chat.Event.Text.class));
            assertEquals(reply, assertInstanceOf(Chat.Event.Done.class, events.getLast()).reply());
            assertEquals(Message.model("Four."), chat.messages().getLast());
            Reply second = chat.send("3+3?");
            assertEquals(prompt(List.of(Message.user("2+2?"), Message.model("Four."), Message.user("3+3?")), true).length, second.usage().promptTokens());
        }
    }

    @Test
    void thoughtEndsWhereItsBudgetDoes() {
        String thought = "one two three four five six seven eight nine ten";
        for (int budget : new int[] {1, 3, 6}) {
            try (Chat chat = model.chat().thinking(Thinking.budget(budget)).build()) {
                says("<|channel>thought\n" + thought + "\n<channel|>Four.<turn|>");
                int header = ScriptedBackend.tokens(model.tokenizer(), "<|channel>thought\n").length;
                backend.fed.clear();
                Reply reply = chat.send("2+2?");
                backend.clear();
                assertTrue(thought.startsWith(reply.thinking()) && !reply.thinking().equals(thought), reply.thinking());
                List<Integer> answer = backend.fed.subList(reply.usage().promptTokens(), backend.fed.size());
                int closed = answer.indexOf(model.tokenizer().controlToken("<channel|>").orElseThrow());
                // The token that opens the channel's content may hold the first of the thought.
                assertTrue(closed >= header + budget - 1 && closed <= header + budget + 1, "closed at " + closed + " with a budget of " + budget);
            }
        }
    }

    @Test
    void answerThatStopsInTheMiddleOfMarkupLeaksNothing() {
        String whole = "<|channel>thought\nhm hm\n<channel|>Well.<|tool_call>call:f{a:<|\"|>x y<|\"|>}<tool_call|><|tool_response>";
        int tokens = ScriptedBackend.tokens(model.tokenizer(), whole).length;
        for (int max = 1; max <= tokens; max++) {
            try (Chat chat = model.chat().thinking(Thinking.ON).maxTokens(max).build()) {
                says(whole);
                List<Chat.Event> events = new ArrayList<>();
                Reply reply = chat.stream("x", events::add);
                backend.clear();
                assertTrue("Well.".startsWith(reply.text()), reply.text());
                assertTrue("hm hm".startsWith(reply.thinking()), reply.thinking());
                assertEquals(reply.text(), joined(events, Chat.Event.Text.class));
                assertEquals(max >= tokens - 1 ? 1 : 0, reply.toolCalls().size());
                assertEquals(max == tokens ? FinishReason.STOP : FinishReason.MAX_TOKENS, reply.finishReason());
            }
        }
    }

    @Test
    void answerThatDidNotSucceedLeavesTheChatAsItWas() {
        try (Chat chat = model.chat().build()) {
            says("One.<turn|>");
            chat.send("first");
            List<Message> before = chat.messages();

            says("This is cut short.<turn|>");
            backend.before(3, chat::cancel);
            Reply cancelled = chat.send("second");
            assertEquals(FinishReason.CANCELLED, cancelled.finishReason());
            assertTrue("This is cut short.".startsWith(cancelled.text()) && !cancelled.text().isEmpty(), cancelled.text());
            assertEquals(before, chat.messages());
            backend.clear();

            says("This is cut short.<turn|>");
            backend.before(3, () -> Thread.currentThread().interrupt());
            assertEquals(FinishReason.CANCELLED, chat.send("second").finishReason());
            assertTrue(Thread.interrupted(), "the flag is kept");
            assertEquals(before, chat.messages());
            backend.clear();

            says("This fails.<turn|>");
            assertThrows(ArithmeticException.class, () -> chat.stream("second", event -> {
                throw new ArithmeticException();
            }));
            assertEquals(before, chat.messages());
            backend.clear();

            says("<|tool_call>no call<tool_call|><|tool_response>");
            assertEquals(FinishReason.MALFORMED_TOOL_CALL, chat.send("second").finishReason());
            assertEquals(before, chat.messages());
            backend.clear();

            assertThrows(ContextOverflowException.class, () -> chat.send("long ".repeat(600)));
            assertEquals(before, chat.messages());

            says("Two.<turn|>");
            Reply reply = chat.send("second");
            assertEquals("Two.", reply.text());
            assertEquals(prompt(List.of(Message.user("first"), Message.model("One."), Message.user("second")), false).length,
                    reply.usage().promptTokens());
        }
    }

    @Test
    void editedHistoryReusesWhatItHasInCommon() {
        try (Chat chat = model.chat().build()) {
            says("One.<turn|>", "Two.<turn|>", "Three.<turn|>");
            chat.send("first");
            chat.send("second question");
            List<Message> messages = chat.messages();
            List<Message> forked = messages.subList(0, 2);
            chat.messages(forked);
            Reply reply = chat.send("another question");
            int[] common = prompt(List.of(messages.get(0), messages.get(1), Message.user("second question")), false);
            int[] other = prompt(List.of(messages.get(0), messages.get(1), Message.user("another question")), false);
            assertEquals(Arrays.mismatch(common, other), reply.usage().cachedTokens());
            assertEquals(4, chat.messages().size());
            assertEquals("Three.", chat.messages().getLast().text());
        }
    }

    @Test
    void oldestTurnsAreDroppedOnlyWhereThatIsAskedFor() throws Exception {
        try (Gemma4 small = backend.load(MiniModels.DENSE, MiniModels.options().contextTokens(128).prefillTokens(32));
                Chat failing = small.chat().system("Be brief.").build();
                Chat dropping = small.chat().system("Be brief.").overflow(Chat.Overflow.DROP_OLDEST).build()) {
            List<Message> last = List.of();
            for (int turn = 0; turn < 20; turn++) {
                backend.says(small.tokenizer(), "answer " + turn + "<turn|>");
                Reply reply = dropping.send("question " + turn);
                assertEquals("answer " + turn, reply.text());
                last = dropping.messages();
                assertEquals(Message.system("Be brief."), last.getFirst());
                assertEquals(Message.Role.USER, last.get(1).role());
                assertEquals(Message.user("question " + turn), last.get(last.size() - 2));
            }
            assertTrue(last.size() < 20, "kept " + last.size());
            assertThrows(ContextOverflowException.class, () -> dropping.send("question ".repeat(200)));
            assertEquals(last, dropping.messages());
            ContextOverflowException e = assertThrows(ContextOverflowException.class, () -> {
                for (int turn = 0; turn < 20; turn++) {
                    backend.says(small.tokenizer(), "answer " + turn + "<turn|>");
                    failing.send("question " + turn);
                }
            });
            assertEquals(128, e.contextTokens());
        }
    }

    @Test
    void chatBelongsToOneCallerAtATime() {
        try (Chat chat = model.chat().build()) {
            says("One two.<turn|>");
            List<IllegalStateException> refusals = new ArrayList<>();
            chat.stream("x", event -> {
                if (event instanceof Chat.Event.Text) {
                    refusals.add(assertThrows(IllegalStateException.class, () -> chat.send("y")));
                    refusals.add(assertThrows(IllegalStateException.class, () -> chat.messages(List.of())));
                }
            });
            assertFalse(refusals.isEmpty());
            assertEquals(2, chat.messages().size());
        }
    }

    @Test
    void closedChatRefusesToAnswer() {
        Chat chat = model.chat().build();
        chat.close();
        chat.close();
        assertThrows(IllegalStateException.class, () -> chat.send("x"));
        assertEquals(0, model.openSessions());
        model.close();
        assertThrows(IllegalStateException.class, () -> model.chat().build());
    }

    @Test
    void stopStringsEndTheTextAndNothingElse() {
        try (Chat chat = model.chat().thinking(Thinking.ON).stop("END").build()) {
            says("<|channel>thought\nTHE END is near\n<channel|>one two END three<turn|>");
            Reply reply = chat.send("x");
            backend.clear();
            assertEquals("one two ", reply.text());
            assertEquals("THE END is near", reply.thinking());
            assertEquals(FinishReason.STOP_SEQUENCE, reply.finishReason());
        }
    }

    @Test
    void messagesInTheWrongPlaceAreRefused() {
        Message call = Message.calls("", List.of(new Message.ToolCall("f", Map.of())));
        Message result = Message.results(List.of(new Message.ToolResult("f", "x")));
        List<List<Message>> wrong = List.of(
                List.of(Message.user("a"), Message.system("b")), List.of(result), List.of(Message.user("a"), call, Message.user("b")),
                List.of(Message.user("a"), call, Message.results(List.of(new Message.ToolResult("g", "x")))),
                List.of(new Message(Message.Role.USER, List.of(Message.Media.IMAGE), "", List.of(), List.of())));
        for (List<Message> messages : wrong) {
            assertThrows(IllegalArgumentException.class, () -> model.chat().messages(messages).build(), messages.toString());
        }
        assertThrows(IllegalArgumentException.class, () -> model.chat().stop(""));
        assertThrows(IllegalArgumentException.class, () -> model.chat().maxTokens(0));
        assertThrows(IllegalArgumentException.class, () -> Thinking.budget(-1));
    }
}
