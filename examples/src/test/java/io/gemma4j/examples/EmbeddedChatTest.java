package io.gemma4j.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.Chat;
import io.gemma4j.FinishReason;
import io.gemma4j.Gemma4;
import io.gemma4j.LoadOptions;
import io.gemma4j.Reply;
import io.gemma4j.Thinking;
import io.gemma4j.Tool;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Conversations with a model that was trained on the format: end to end, without a script. */
class EmbeddedChatTest {
    private static final String SCHEMA = """
            {"type": "object", "properties": {"city": {"type": "string", "description": "City name"}}, "required": ["city"]}""";
    private static Gemma4 model;

    @BeforeAll
    static void load() throws Exception {
        model = Gemma4.load(EmbeddedModel.file(), LoadOptions.defaults().threads(1));
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static Chat.Builder chat() {
        return model.chat().sampling(options -> options.temperature(0)).maxTokens(160);
    }

    private static String text(Reply reply) {
        assertEquals(FinishReason.STOP, reply.finishReason());
        assertFalse((reply.text() + reply.thinking()).contains("<"), reply.toString());
        return reply.text();
    }

    @Test
    void whatWasSaidBeforeIsKnown() {
        try (Chat chat = chat().build()) {
            text(chat.send("I love apple."));
            assertTrue(text(chat.send("What is 12 + 30?")).contains("42"));
            Reply reply = chat.send("What is my favorite food?");
            assertTrue(text(reply).contains("apple"), reply.text());
            assertTrue(reply.usage().cachedTokens() > reply.usage().promptTokens() / 2, reply.usage().toString());
        }
    }

    @Test
    void rulesOfTheSystemAreKept() {
        try (Chat chat = chat().system("Answer in upper case.").build()) {
            assertTrue(text(chat.send("What is the capital of Canada?")).contains("OTTAWA"));
        }
    }

    @Test
    void thoughtsAreNoPartOfTheAnswer() {
        try (Chat chat = chat().thinking(Thinking.ON).build()) {
            Reply reply = chat.send("88 - 41 = ?");
            assertTrue(text(reply).contains("47"), reply.text());
            assertFalse(reply.thinking().isBlank());
        }
        try (Chat chat = chat().thinking(Thinking.budget(5)).build()) {
            Reply reply = chat.send("88 - 41 = ?");
            assertFalse(text(reply).isBlank());
            assertTrue(model.tokenizer().encode(reply.thinking(), false).length <= 6, reply.thinking());
        }
    }

    @Test
    void toolsAreCalledAndTheirResultsUsed() {
        List<Map<String, Object>> calls = new ArrayList<>();
        Tool weather = Tool.of("get_weather", "Current weather for a city", SCHEMA, arguments -> {
            calls.add(arguments);
            return "sunny, 12 degrees";
        });
        try (Chat chat = chat().tool(weather).build()) {
            String answer = text(chat.send("What is the weather in Paris?"));
            assertEquals(List.of(Map.of("city", "Paris")), calls);
            assertTrue(answer.contains("sunny, 12 degrees"), answer);
            text(chat.send("What is the weather in Rome?"));
            assertEquals(Map.of("city", "Rome"), calls.getLast());
        }
    }

    @Test
    void whatIsSaidAfterAToolAnsweredCallsItOnlyIfNeeded() {
        List<Map<String, Object>> calls = new ArrayList<>();
        Tool weather = Tool.of("get_weather", "Current weather for a city", SCHEMA, arguments -> {
            calls.add(arguments);
            return "rainy, 7 degrees";
        });
        try (Chat chat = chat().tool(weather).build()) {
            text(chat.send("What is the weather in Paris?"));
            assertTrue(text(chat.send("Thank you.")).contains("welcome"));
            assertTrue(text(chat.send("What is 5 + 7?")).contains("12"));
            assertEquals(1, calls.size(), calls.toString());
            text(chat.send("What is the weather in Oslo?"));
            assertTrue(text(chat.send("And in Rome?")).contains("rainy, 7 degrees"));
            assertEquals(List.of("Paris", "Oslo", "Rome"), calls.stream().map(call -> call.get("city")).toList());
        }
    }

    @Test
    void manyShortTurnsStayCoherent() {
        String[][] turns = {
            {"hello", "Hello"}, {"who are you", "gemma4j"}, {"what can you do", "capitals"}, {"my name is Bob", "Bob"},
            {"What is the capital of France?", "Paris"}, {"And of Germany?", "Berlin"}, {"What is its currency?", "euro"}, {"Thank you.", "welcome"},
            {"ok", "What else"}, {"Is Berlin the capital of Spain?", "No, the capital of Spain is Madrid."}, {"Why is the sky blue?", "too small to know"},
            {"How old am I?", "not told me"}, {"I am 42 years old", "42"}, {"what is my name?", "Bob"}, {"bye", "Goodbye"}};
        try (Chat chat = chat().build()) {
            for (String[] turn : turns) {
                String answer = text(chat.send(turn[0]));
                assertTrue(answer.contains(turn[1]), turn[0] + " -> " + answer);
            }
        }
    }

    @Test
    void callsWithoutAHandlerAreAnsweredByTheApplication() {
        try (Chat chat = chat().tool(Tool.of("get_weather", "Current weather for a city", SCHEMA)).build()) {
            Reply reply = chat.send("What is the weather in Oslo?");
            assertEquals("Oslo", reply.toolCalls().getFirst().arguments().get("city"));
            assertTrue(text(chat.toolResults("rainy, 3 degrees")).contains("rainy, 3 degrees"));
        }
    }
}
