package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(240)
class ConstraintTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final ScriptedBackend BACKEND = new ScriptedBackend();
    private static Gemma4 model;

    enum Color { RED, GREEN }

    record Item(String name, byte count, char letter, Optional<Color> color) {}

    record Order(List<Item> items, boolean paid, double total) {}

    @BeforeAll
    static void load() throws Exception {
        model = BACKEND.load(MiniModels.DENSE, MiniModels.options().contextTokens(640));
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static GenerationRequest request(Constraint constraint, long seed) {
        return model.prompt("Hello").raw(true).seed(seed).constraint(constraint);
    }

    private static Map<Integer, Float> noEnd() {
        Map<Integer, Float> bans = new HashMap<>();
        IntStream.of(model.tokenizer().endOfGenerationTokens()).forEach(end -> bans.put(end, Float.NEGATIVE_INFINITY));
        return bans;
    }

    @Test
    void everyAnswerIsCompleteHoweverFewTokensItMayHave() throws Exception {
        Constraint constraint = Constraint.jsonSchema("""
                {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "array", "items": {"$ref": "#"}}, "c": {"type": "number"}},
                "required": ["a"]}""");
        String message = assertThrows(IllegalArgumentException.class, () -> request(constraint, 1).maxTokens(1).generate()).getMessage();
        int shortest = Integer.parseInt(message.replaceAll("maxTokens must be at least (\\d+), which the shortest text takes .*, was 1", "$1"));
        for (int maxTokens = shortest; maxTokens < shortest + 24; maxTokens++) {
            Generation generation = request(constraint, maxTokens).maxTokens(maxTokens).generate();
            JsonNode json = JSON.readTree(generation.text());
            assertTrue(json.get("a").isTextual(), generation.text());
            assertTrue(generation.tokens().size() <= maxTokens);
            assertEquals(FinishReason.STOP, generation.finishReason());
        }
    }

    @Test
    void aChoiceIsOneOfItsTexts() {
        Set<String> seen = new HashSet<>();
        for (int seed = 0; seed < 12; seed++) {
            seen.add(request(Constraint.choice("yes", "no", "perhaps not"), seed).sampling(s -> s.temperature(5).topK(0).topP(1)).generate().text());
        }
        assertTrue(Set.of("yes", "no", "perhaps not").containsAll(seen) && seen.size() > 1, seen::toString);
    }

    @Test
    void aPatternThatMayGoOnEndsWithTheTokens() {
        Generation generation = request(Constraint.regex("[a-z]+!"), 3).maxTokens(9).logitBias(noEnd()).generate();
        assertTrue(generation.text().matches("[a-z]+!"), generation.text());
        Generation digits = request(Constraint.regex("[0-9]+"), 3).maxTokens(4).logitBias(noEnd()).generate();
        assertTrue(digits.text().matches("[0-9]+"), digits.text());
        assertEquals(FinishReason.MAX_TOKENS, digits.finishReason());
    }

    @Test
    void whereTheModelBansWhatIsNeededItIsTakenAllTheSame() {
        Map<Integer, Float> bans = new HashMap<>();
        IntStream.range(0, 1000).forEach(token -> bans.put(token, Float.NEGATIVE_INFINITY));
        assertEquals("yes", request(Constraint.choice("yes"), 1).logitBias(bans).generate().text());
    }

    @Test
    void stopStringsAndTooLittleContextAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> request(Constraint.json(), 1).stop("x").generate());
        assertThrows(IllegalArgumentException.class, () -> request(Constraint.json(), 1).stopTokens(5).generate());
        assertThrows(IllegalArgumentException.class, () -> model.chat().constraint(Constraint.json()).stop("x").build());
        Constraint long1800 = Constraint.jsonSchema("{\"type\": \"string\", \"pattern\": \"^([a-z][A-Z][0-9]){600}$\"}");
        assertThrows(ContextOverflowException.class, () -> request(long1800, 1).generate());
    }

    @Test
    void oneConstraintServesManyThreads() throws Exception {
        Constraint shared = Constraint.jsonSchema("{\"type\": \"array\", \"items\": {\"type\": [\"string\", \"integer\"]}, \"minItems\": 1}");
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            List<Future<String>> texts = IntStream.range(0, 8).mapToObj(i -> threads.submit(() -> request(shared, i).maxTokens(12).generate().text())).toList();
            for (int i = 0; i < 8; i++) {
                Constraint own = Constraint.jsonSchema("{\"type\": \"array\", \"items\": {\"type\": [\"string\", \"integer\"]}, \"minItems\": 1}");
                assertEquals(request(own, i).maxTokens(12).generate().text(), texts.get(i).get());
            }
        }
    }

    @Test
    void stopStringsDoNotCutRecords() {
        try (Chat chat = model.chat().maxTokens(60).stop("{", "}").sampling(s -> s.seed(1)).build()) {
            assertTrue(chat.send("What do you want?", Order.class).items() != null);
        }
    }

    @Test
    void aChatAnswersWithARecord() {
        for (int seed = 0; seed < 6; seed++) {
            long chosen = seed;
            try (Chat chat = model.chat().maxTokens(90).sampling(s -> s.seed(chosen).temperature(1)).build()) {
                Order order = chat.send("What do you want?", Order.class);
                assertTrue(Double.isFinite(order.total()) && order.items() != null);
                assertEquals(2, chat.messages().size());
            }
        }
    }

    @Test
    void thoughtsComeBeforeTheAnswerAndLeaveRoomForIt() throws Exception {
        for (int maxTokens : new int[] {24, 60}) {
            BACKEND.clear();
            BACKEND.says(model.tokenizer(), "<|channel>thought\nLet me see. One, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve");
            try (Chat chat = model.chat().thinking(Thinking.ON).maxTokens(maxTokens).sampling(s -> s.seed(1)).logprobs(1)
                    .constraint(Constraint.jsonSchema("{\"type\": \"array\", \"items\": {\"type\": \"integer\"}}")).build()) {
                Reply reply = chat.send("Count");
                assertTrue(JSON.readTree(reply.text()).isArray(), reply.text());
                assertTrue(reply.thinking().startsWith("Let me see."), reply.thinking());
                assertTrue(reply.usage().generatedTokens() <= maxTokens);
                assertEquals(reply.text(), model.tokenizer().decode(reply.logprobs().stream().mapToInt(TokenScore::token).toArray()));
            } finally {
                BACKEND.clear();
            }
        }
    }

    @Test
    void withoutThinkingNoThoughtIsBegun() throws Exception {
        BACKEND.says(model.tokenizer(), "<|channel>");
        try (Chat chat = model.chat().maxTokens(30).sampling(s -> s.seed(1)).constraint(Constraint.json()).build()) {
            Reply reply = chat.send("Count");
            assertEquals("", reply.thinking());
            assertFalse(JSON.readTree(reply.text()).isMissingNode());
        } finally {
            BACKEND.clear();
        }
    }

    @Test
    void toolsMayBeCalledBeforeTheAnswer() throws Exception {
        BACKEND.says(model.tokenizer(), "<|tool_call>call:now{}<tool_call|>", "<|tool_response>");
        Tool now = Tool.of("now", "The time", "{\"type\": \"object\", \"properties\": {}}", arguments -> "12:00");
        try (Chat chat = model.chat().maxTokens(40).tool(now).sampling(s -> s.seed(1).logitBias(banCalls()))
                .constraint(Constraint.jsonSchema("{\"type\": \"object\", \"properties\": {\"t\": {\"type\": \"integer\"}}, \"required\": [\"t\"]}")).build()) {
            Reply reply = chat.send("What time is it?");
            assertTrue(JSON.readTree(reply.text()).get("t").isIntegralNumber(), reply.text());
            assertEquals(4, chat.messages().size());
        } finally {
            BACKEND.clear();
        }
    }

    private static String read() {
        String text = model.tokenizer().decode(BACKEND.fed.stream().mapToInt(Integer::intValue).toArray(), true);
        BACKEND.fed.clear();
        return text;
    }

    @Test
    void aChatTellsTheModelOfASchemaBesideItsRules() {
        Constraint form = Constraint.jsonSchema("{\"type\": \"object\",  \"properties\": {\"tea\": {\"type\": \"boolean\"}}, \"required\": [\"tea\"]}");
        String told = "Answer with JSON only, which satisfies this schema: "
                + "{\"type\":\"object\",\"properties\":{\"tea\":{\"type\":\"boolean\"}},\"required\":[\"tea\"]}";
        for (String rules : new String[] {"", "Be brief."}) {
            Chat.Builder builder = model.chat().maxTokens(30).sampling(s -> s.seed(1)).constraint(form);
            try (Chat chat = (rules.isEmpty() ? builder : builder.system(rules)).build()) {
                read();
                chat.send("Tea?");
                String system = "<|turn>system\n" + (rules.isEmpty() ? told : rules + "\n\n" + told) + "<turn|>";
                assertTrue(read().contains(system));
                assertTrue(chat.messages().stream().noneMatch(message -> message.text().contains("schema")));
                Reply second = chat.send("And now?");
                assertTrue(second.usage().cachedTokens() > model.tokenizer().encode(system, false).length);
            }
        }
    }

    @Test
    void aRequestTellsTheModelOfASchemaBehindItsPrompt() {
        Constraint form = Constraint.json();
        read();
        model.prompt("Tea?").constraint(form).maxTokens(9).generate();
        assertTrue(read().contains("user\nTea?\n\nAnswer with JSON only.<turn|>"));
        model.prompt("Tea?").constraint(form.untold()).maxTokens(9).generate();
        assertTrue(read().contains("user\nTea?<turn|>"));
        model.prompt("Tea?").constraint(Constraint.choice("yes", "no")).maxTokens(9).generate();
        assertTrue(read().contains("user\nTea?<turn|>"));
        model.prompt("Tea?").raw(true).constraint(form).maxTokens(9).generate();
        assertFalse(read().contains("Answer with JSON"));
        try (Chat chat = model.chat().maxTokens(9).constraint(form.untold()).build()) {
            chat.send("Tea?");
            assertFalse(read().contains("Answer with JSON"));
        }
    }

    @Test
    void aRecordIsToldWithTheText() {
        try (Chat chat = model.chat().maxTokens(90).sampling(s -> s.seed(1)).build()) {
            chat.send("What do you want?", Item.class);
            String said = chat.messages().getFirst().text();
            assertTrue(said.startsWith("What do you want?\n\nAnswer with JSON only, which satisfies this schema: {") && said.contains("\"letter\""), said);
        }
    }

    // The script overrides the ban: its logits are the only ones that are finite.
    private static Map<Integer, Float> banCalls() {
        return Map.of(model.tokenizer().controlToken("<|tool_call>").orElseThrow(), -50f);
    }
}
