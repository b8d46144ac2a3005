package io.gemma4j.examples.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MatchTest {

    private static void check(boolean passes, String match, String output, String expected) {
        assertEquals(passes, Match.of(match).orElseThrow().passes(output, expected), match + ": " + output);
    }

    @Test
    void theAnswerIsWhatFollowsTheLastChannelWithoutSpaceAroundIt() {
        check(true, "exact", " 6 + 63 = 69\n", "6 + 63 = 69");
        check(true, "exact", "<|channel>thought\nhm<channel|>9<|channel>x<channel|> 69", "69");
        check(false, "exact", "6 + 63 = 69.", "6 + 63 = 69");
        check(false, "exact", "69<channel|>", "69");
    }

    @Test
    void containsTellsUpperFromLowerCase() {
        check(true, "contains", "It is in Italy.", "Italy");
        check(false, "contains", "It is in italy.", "Italy");
        check(false, "contains", "Italy<channel|>no", "Italy");
    }

    @Test
    void jsonIsComparedByValue() {
        check(true, "json", " {\"b\": 2.0, \"a\": [1, {\"c\": null}]}\n", "{\"a\":[1,{\"c\":null}],\"b\":2}");
        check(true, "json", "{\"a\": 0.1}", "{\"a\": 0.10}");
        check(false, "json", "{\"a\": [2, 1]}", "{\"a\": [1, 2]}");
        check(false, "json", "{\"a\": \"1\"}", "{\"a\": 1}");
        check(false, "json", "{\"a\": 1, \"b\": 2}", "{\"a\": 1}");
        check(false, "json", "{\"a\": 1} and more", "{\"a\": 1}");
        check(false, "json", "{\"a\": 1", "{\"a\": 1}");
        check(false, "json", "", "{}");
    }

    @Test
    void aToolCallIsOneAndExact() {
        String call = "call:f{a:<|\"|>x<|\"|>}";
        check(true, "toolCall", "<|tool_call>" + call + "<tool_call|>", call);
        check(true, "toolCall", "<|channel>thought\nhm<channel|><|tool_call>" + call + "<tool_call|>", call);
        check(false, "toolCall", "<|tool_call>" + call + " <tool_call|>", call);
        check(false, "toolCall", "<|tool_call>" + call, call);
        check(false, "toolCall", call, call);
        check(false, "toolCall", "<tool_call|><|tool_call>" + call, call);
        check(false, "toolCall", "<|tool_call>" + call + "<tool_call|><|tool_call>" + call + "<tool_call|>", call);
    }

    @Test
    void aThoughtComesFirstAndSaysSomething() {
        check(true, "thought", "<|channel>thought\n8 and 7 are 15.\n<channel|>15", "15");
        check(false, "thought", "<|channel>thought\n \n<channel|>15", "15");
        check(false, "thought", "<|channel>thought\n<channel|>15", "15");
        check(false, "thought", "15", "15");
        check(false, "thought", "<|channel>thought\nhm 15", "15");
        check(false, "thought", "<|channel>thought\nhm<channel|>16", "15");
    }

    @Test
    void upperCaseAndWordsLookAtTheWholeAnswer() {
        check(true, "upperCase", "THE CAPITAL IS PARIS 1.", "PARIS");
        check(false, "upperCase", "The capital is PARIS.", "PARIS");
        check(false, "upperCase", "ROME", "PARIS");
        check(true, "words<=2", " In\nParis ", "Paris");
        check(false, "words<=2", "It is Paris", "Paris");
        check(false, "words<=2", "Rome", "Paris");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "Exact", "words", "words<=", "words<=-1", "words<=2x", "regex"})
    void thereIsNoOtherMatch(String name) {
        assertTrue(Match.of(name).isEmpty());
    }
}
