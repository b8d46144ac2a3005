package io.gemma4j.chat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.Message.ToolCall;
import io.gemma4j.tokenizer.Tokenizer;
import io.gemma4j.tokenizer.Vocabularies;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CallSyntaxTest {
    @Provide
    Arbitrary<Map<String, Object>> arguments() {
        return JsonValues.objects();
    }

    @Property(tries = 1000)
    void callsSurviveWritingAndReading(@ForAll("arguments") Map<String, Object> arguments) {
        ToolCall call = new ToolCall("get_weather", arguments);
        assertEquals(call, CallSyntax.read(CallSyntax.write(call)));
    }

    /** The whole way of parallel calls: written as tokens, told apart one by one, read. */
    @Property(tries = 200)
    void callsSurviveTheirTokens(@ForAll("arguments") Map<String, Object> first, @ForAll("arguments") Map<String, Object> second) {
        List<ToolCall> calls = List.of(new ToolCall("a.b-c_1", first), new ToolCall("f", second));
        for (Tokenizer tokenizer : List.of(Vocabularies.REAL, Vocabularies.MINI)) {
            PromptParts parts = new PromptParts();
            for (ToolCall call : calls) {
                parts.control("<|tool_call>");
                CallSyntax.write(call, parts);
                parts.control("<tool_call|>");
            }
            ChannelRouter router = new ChannelRouter(tokenizer);
            List<ToolCall> read = new ArrayList<>();
            Arrays.stream(PromptRenderer.tokens(tokenizer, parts.toList())).forEach(token -> router.accept(token)
                    .forEach(piece -> read.add(CallSyntax.read(((ChannelRouter.Called) piece).body()))));
            assertEquals(calls, read);
        }
    }

    /** Whatever a model writes is a call or refused, and nothing else happens. */
    @Property(tries = 3000)
    void nonsenseIsRefused(@ForAll("nonsense") List<PromptPart> parts) {
        try {
            ToolCall call = CallSyntax.read(parts);
            assertEquals(call, CallSyntax.read(CallSyntax.write(call)));
        } catch (IllegalArgumentException e) {
            assertTrue(e.getMessage().startsWith("no tool call: expected "), e.getMessage());
        }
    }

    @Provide
    Arbitrary<List<PromptPart>> nonsense() {
        Arbitrary<PromptPart> parts = Arbitraries.of("call:f{", "}", "a:", "b:", ",", "[", "]", "{", "true", "1", "word", " ", ":", "<|\"|>", "<|turn>", "x").map(
                text -> text.startsWith("<") ? new PromptPart.Control(text) : new PromptPart.Text(text));
        return parts.list().ofMaxSize(10).map(rest -> {
            List<PromptPart> all = new ArrayList<>(rest);
            all.addFirst(new PromptPart.Text("call:f{"));
            return all;
        });
    }

    private static List<PromptPart> parts(String text) {
        PromptParts parts = new PromptParts();
        String[] pieces = text.split("'", -1);
        for (int i = 0; i < pieces.length; i++) {
            if (i > 0) {
                parts.control(PromptParts.QUOTE);
            }
            parts.text(pieces[i]);
        }
        return parts.toList();
    }

    @Test
    void bareWordsAreStringsAndSpaceAroundStructureIsIgnored() {
        ToolCall expected = new ToolCall("f", Map.of("city", "New York", "n", 3L, "list", List.of("a", 1.5, true)));
        assertEquals(expected, CallSyntax.read(parts(" call:f { city : New York , n: 3,list:[ a , 1.5 ,true ] } ")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "call:", "call:f", "call:{}", "cal:f{}", "call:f{", "call:f{a}", "call:f{a:}", "call:f{a:1", "call:f{a:1}}", "call:f{a:[1}", "call:f{a:'x}",
        "call:f{a:'x'y}", "call:f{a:1,a:2}", "call:f{a:1,}", "call:f{'a:1}", "call:f{}x"})
    void damagedCallsAreRefused(String text) {
        assertThrows(IllegalArgumentException.class, () -> CallSyntax.read(parts(text)));
    }

    @Test
    void deepNestingIsRefusedAndNoStackOverflow() {
        assertThrows(IllegalArgumentException.class, () -> CallSyntax.read(parts("call:f{a:" + "[".repeat(100_000))));
    }
}
