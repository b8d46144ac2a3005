package io.gemma4j.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gemma4j.Chat;
import io.gemma4j.Constraint;
import io.gemma4j.FinishReason;
import io.gemma4j.Gemma4;
import io.gemma4j.Generation;
import io.gemma4j.LoadOptions;
import io.gemma4j.Reply;
import io.gemma4j.Thinking;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Constrained answers of a model that was trained to talk: end to end, without a script. */
class EmbeddedConstraintTest {
    private static final Constraint SUM = Constraint.jsonSchema("""
            {"type": "object", "properties": {"sum": {"type": "integer"}, "remark": {"type": "string"}, "unit": {"enum": ["apples", "pears"]}},
            "required": ["sum", "remark", "unit"]}""");
    private static Gemma4 model;

    record Sum(int sum, List<String> steps) {}

    @BeforeAll
    static void load() throws Exception {
        model = Gemma4.load(EmbeddedModel.file(), LoadOptions.defaults().threads(1));
    }

    @AfterAll
    static void close() {
        model.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {25, 40, 200})
    void anAnswerHasItsFormHoweverFewTokensItMayHave(int maxTokens) throws Exception {
        Generation generation = model.prompt("What is 12 + 30?").constraint(SUM).maxTokens(maxTokens).seed(maxTokens).generate();
        JsonNode json = new ObjectMapper().readTree(generation.text());
        assertTrue(json.get("sum").isIntegralNumber() && json.get("remark").isTextual(), generation.text());
        assertTrue(List.of("apples", "pears").contains(json.get("unit").asText()), generation.text());
        assertTrue(generation.tokens().size() <= maxTokens);
        assertEquals(FinishReason.STOP, generation.finishReason());
    }

    @Test
    void aChatThinksAndThenAnswersInItsForm() throws Exception {
        try (Chat chat = model.chat().thinking(Thinking.ON).sampling(options -> options.temperature(0)).maxTokens(120).constraint(SUM).build()) {
            Reply reply = chat.send("What is 12 + 30?");
            assertTrue(new ObjectMapper().readTree(reply.text()).get("sum").isIntegralNumber(), reply.text());
            assertTrue(reply.usage().generatedTokens() <= 120);
        }
    }

    @Test
    void aRecordComesBackAndTheTalkGoesOn() {
        try (Chat chat = model.chat().sampling(options -> options.temperature(0)).maxTokens(80).build()) {
            Sum sum = chat.send("What is 12 + 30?", Sum.class);
            assertEquals(sum, new Sum(sum.sum(), List.copyOf(sum.steps())));
            assertEquals(2, chat.messages().size());
            assertTrue(chat.send("What is 12 + 30?").text().contains("42"));
        }
    }

    @Test
    void aLabelIsChosen() {
        for (String text : List.of("I love this!", "This is bad.")) {
            String label = model.prompt("Is this good or bad? " + text).constraint(Constraint.choice("good", "bad")).sampling(o -> o.temperature(0)).generate()
                    .text();
            assertTrue(List.of("good", "bad").contains(label), label);
        }
    }
}
