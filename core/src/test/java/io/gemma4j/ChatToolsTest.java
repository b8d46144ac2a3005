package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.chat.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class ChatToolsTest {
    private static final String CALL = "<|tool_call>call:get_weather{city:<|\"|>Oslo<|\"|>}<tool_call|>";
    private static final String SCHEMA = "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]}";

    enum Unit { CELSIUS, FAHRENHEIT }

    record Place(@Tool.Description("City name") String city, Optional<Unit> unit, List<Integer> days) {}

    record City(String city) {}

    record Weather(int degrees, String sky) {}

    /** Its methods are tools. */
    public static final class Methods {
        @Tool.Description("Adds two numbers")
        public long add(@Tool.Description("First number") long a, long b) {
            return a + b;
        }

        public String noTool() {
            return "";
        }
    }

    private final ScriptedBackend backend = new ScriptedBackend();
    private Gemma4 model;

    @BeforeEach
    void load() throws Exception {
        model = backend.load(MiniModels.DENSE, MiniModels.options().contextTokens(1024).prefillTokens(128));
    }

    @AfterEach
    void close() {
        model.close();
    }

    private void says(String... answers) {
        backend.says(model.tokenizer(), answers);
    }

    private String fed() {
        return model.tokenizer().decode(backend.fed.stream().mapToInt(Integer::intValue).toArray(), true);
    }

    @Test
    void parallelCallsAreReturnedAndAnsweredTogether() {
        try (Chat chat = model.chat().tool(Tool.of("get_weather", "Weather", SCHEMA)).build()) {
            says(CALL + CALL.replace("Oslo", "Rome") + "<|tool_response>", "Cold and warm.<turn|>");
            List<Chat.Event> events = new ArrayList<>();
            Reply reply = chat.stream("Oslo and Rome?", events::add);
            List<Message.ToolCall> calls = List.of(new Message.ToolCall("get_weather", Map.of("city", "Oslo")),
                    new Message.ToolCall("get_weather", Map.of("city", "Rome")));
            assertEquals(calls, reply.toolCalls());
            assertEquals("", reply.text());
            assertEquals(FinishReason.STOP, reply.finishReason());
            assertEquals(calls, events.stream().filter(Chat.Event.ToolCall.class::isInstance).map(event -> ((Chat.Event.ToolCall) event).call()).toList());
            List<Message> waiting = chat.messages();
            assertThrows(IllegalArgumentException.class, () -> chat.send("hello?"));
            assertThrows(IllegalArgumentException.class, () -> chat.toolResults("cold"));
            assertEquals(waiting, chat.messages());
            Reply answer = chat.toolResults("cold", Map.of("degrees", 25));
            assertEquals("Cold and warm.", answer.text());
            assertTrue(fed().contains("<|tool_response>response:get_weather{value:<|\"|>cold<|\"|>}<tool_response|>"
                    + "<|tool_response>response:get_weather{degrees:25}<tool_response|>"), fed());
            assertEquals(4, chat.messages().size());
            assertThrows(IllegalArgumentException.class, () -> chat.toolResults("again"));
        }
    }

    @Test
    void handlersAreCalledAndTheirResultsFedBack() {
        List<City> asked = new ArrayList<>();
        Tool tool = Tool.of("get_weather", "Weather", City.class, city -> {
            asked.add(city);
            return new Weather(12, "rain");
        });
        try (Chat chat = model.chat().thinking(Thinking.ON).tool(tool).build()) {
            says("<|channel>thought\nneed it\n<channel|>" + CALL + "<|tool_response>", CALL.replace("Oslo", "Rome") + "<|tool_response>", "Rain.<turn|>");
            Reply reply = chat.send("Oslo?");
            assertEquals(List.of(new City("Oslo"), new City("Rome")), asked);
            assertEquals("Rain.", reply.text());
            assertEquals("need it", reply.thinking());
            assertEquals(List.of(), reply.toolCalls());
            assertTrue(fed().contains("<|channel>thought\nneed it\n<channel|>" + CALL
                    + "<|tool_response>response:get_weather{degrees:12,sky:<|\"|>rain<|\"|>}<tool_response|>"), fed());
            assertEquals(6, chat.messages().size());
            assertEquals(backend.fed.size(), reply.usage().promptTokens() - reply.usage().cachedTokens() + reply.usage().generatedTokens() - 3);
        }
    }

    @Test
    void modelThatOnlyCallsIsStoppedAfterTheAgreedRounds() {
        List<City> asked = new ArrayList<>();
        try (Chat chat = model.chat().maxToolRounds(2).tool(Tool.of("get_weather", "Weather", City.class, city -> {
            asked.add(city);
            return "12";
        })).build()) {
            says(CALL + "<|tool_response>", CALL + "<|tool_response>", CALL + "<|tool_response>");
            Reply reply = chat.send("Oslo?");
            assertEquals(2, asked.size());
            assertEquals(1, reply.toolCalls().size());
            assertEquals(0, backend.left());
            says("Enough.<turn|>");
            assertEquals("Enough.", chat.toolResults("13").text());
        }
    }

    @Test
    void callsThatCannotBeMadeAreToldToTheModel() {
        try (Chat chat = model.chat().tool(Tool.of("get_weather", "Weather", Place.class, place -> "12")).build()) {
            says("<|tool_call>call:get_weather{city:7}<tool_call|><|tool_call>call:other{}<tool_call|><|tool_response>", "Sorry.<turn|>");
            assertEquals("Sorry.", chat.send("Oslo?").text());
            assertTrue(fed().contains("get_weather.city: expected a value of type String, found 7"), fed());
            assertTrue(fed().contains("there is no tool other"), fed());
        }
    }

    @Test
    void handlerThatThrowsLeavesTheChatAsItWas() {
        try (Chat chat = model.chat().tool(Tool.of("get_weather", "Weather", SCHEMA, arguments -> {
            throw new ArithmeticException((String) arguments.get("city"));
        })).build()) {
            says(CALL + "<|tool_response>");
            assertEquals("Oslo", assertThrows(ArithmeticException.class, () -> chat.send("Oslo?")).getMessage());
            assertEquals(List.of(), chat.messages());
        }
    }

    @Test
    void callsOfToolsWithoutHandlersAreLeftToTheApplication() {
        Tool handled = Tool.of("now", "Time", "{\"type\":\"object\"}", arguments -> {
            throw new AssertionError("called");
        });
        try (Chat chat = model.chat().tools(List.of(handled, Tool.of("get_weather", "Weather", SCHEMA))).build()) {
            says("<|tool_call>call:now{}<tool_call|>" + CALL + "<|tool_response>");
            assertEquals(2, chat.send("Oslo?").toolCalls().size());
        }
    }

    @Test
    void recordsHaveSchemas() {
        Map<?, ?> schema = (Map<?, ?>) Json.read(Tool.of("f", "d", Place.class).schema());
        assertEquals(Json.read("""
                {"type": "object", "required": ["city", "days"], "properties": {
                    "city": {"type": "string", "description": "City name"},
                    "unit": {"type": "string", "enum": ["CELSIUS", "FAHRENHEIT"]},
                    "days": {"type": "array", "items": {"type": "integer"}}}}"""), schema);
    }

    @Test
    void recordsAreBoundFromArguments() {
        List<Place> bound = new ArrayList<>();
        Tool tool = Tool.of("f", "d", Place.class, bound::add);
        tool.call(Map.of("city", "Oslo", "unit", "celsius", "days", List.of(1L, 2.0)));
        tool.call(Map.of("city", "Rome", "days", List.of()));
        assertEquals(List.of(new Place("Oslo", Optional.of(Unit.CELSIUS), List.of(1, 2)), new Place("Rome", Optional.empty(), List.of())), bound);
        for (Map<String, Object> bad : List.<Map<String, Object>>of(Map.of(), Map.of("city", "x"), Map.of("city", "x", "days", 1L),
                Map.of("city", "x", "days", List.of(1.5)), Map.of("city", "x", "days", List.of(1L << 40)), Map.of("city", "x", "days", List.of(), "unit", "k"))) {
            String error = ((Map<?, ?>) tool.call(bad).value()).get("error").toString();
            assertTrue(error.matches("f\\.(city|days|days\\[0]|unit): expected .*, found .*"), error);
        }
        assertEquals(2, bound.size());
    }

    @Test
    void annotatedMethodsAreTools() {
        List<Tool> tools = Tool.methodsOf(new Methods());
        assertEquals(List.of("add"), tools.stream().map(Tool::name).toList());
        Tool add = tools.getFirst();
        assertEquals("Adds two numbers", add.description());
        assertTrue(add.hasHandler());
        assertEquals(Json.read("""
                {"type": "object", "required": ["a", "b"], "properties": {
                    "a": {"type": "integer", "description": "First number"}, "b": {"type": "integer"}}}"""), Json.read(add.schema()));
        assertEquals(new Message.ToolResult("add", 5L), add.call(Map.of("a", 2L, "b", 3.0)));
    }

    @Test
    void toolsThatCannotBeDeclaredAreRefused() {
        record Recursive(List<Recursive> inner) {}
        record Odd(Thread thread) {}
        assertThrows(IllegalArgumentException.class, () -> Tool.of("f", "d", Recursive.class));
        assertThrows(IllegalArgumentException.class, () -> Tool.of("f", "d", Odd.class));
        assertThrows(IllegalArgumentException.class, () -> Tool.of("a b", "d", SCHEMA));
        assertThrows(IllegalArgumentException.class, () -> Tool.of("f", "d", "{}"));
        assertThrows(IllegalArgumentException.class, () -> Tool.of("f", "d", "no"));
        assertThrows(IllegalArgumentException.class, () -> Tool.methodsOf("no tools"));
        Tool tool = Tool.of("f", "d", SCHEMA);
        assertFalse(tool.hasHandler());
        assertThrows(IllegalArgumentException.class, () -> model.chat().tools(List.of(tool, tool)).build());
    }
}
