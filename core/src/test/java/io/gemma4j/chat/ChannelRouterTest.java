package io.gemma4j.chat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.tokenizer.Tokenizer;
import io.gemma4j.tokenizer.Vocabularies;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class ChannelRouterTest {
    private static final Tokenizer TOKENIZER = Vocabularies.REAL;

    /** What the router makes of tokens: said, thought and called, joined. */
    private record Routed(String said, String thought, List<String> calls) {
        static Routed of(int... tokens) {
            ChannelRouter router = new ChannelRouter(TOKENIZER);
            List<ChannelRouter.Piece> pieces = new ArrayList<>();
            for (int token : tokens) {
                pieces.addAll(router.accept(token));
            }
            pieces.addAll(router.flush());
            StringBuilder said = new StringBuilder();
            StringBuilder thought = new StringBuilder();
            List<String> calls = new ArrayList<>();
            for (ChannelRouter.Piece piece : pieces) {
                switch (piece) {
                    case ChannelRouter.Said(String text) -> said.append(nonEmpty(text));
                    case ChannelRouter.Thought(String text) -> thought.append(nonEmpty(text));
                    case ChannelRouter.Called(List<PromptPart> body) -> calls.add(String.join("", body.stream().map(PromptPart::toString).toList()));
                }
            }
            return new Routed(said.toString(), thought.toString(), calls);
        }

        private static String nonEmpty(String text) {
            assertFalse(text.isEmpty());
            return text;
        }
    }

    // Markup in braces: {|channel>} stands for the control token, everything else for text.
    private static int[] tokens(String script) {
        PromptParts parts = new PromptParts();
        for (String piece : script.split("(?=\\{)|(?<=})")) {
            if (piece.startsWith("{")) {
                parts.control("<" + piece.substring(1, piece.length() - 1) + ">");
            } else {
                parts.text(piece);
            }
        }
        return PromptRenderer.tokens(TOKENIZER, parts.toList());
    }

    @Test
    void thoughtsAnswersAndCallsAreToldApart() {
        assertEquals(new Routed("Hello \ud83d\ude00!", "let me\n\nsee", List.of("call:f[1]", "call:g")),
                Routed.of(tokens("{|channel}thought\nlet me\n\nsee\n{channel|}Hello \ud83d\ude00!{|tool_call}call:f[1]{tool_call|}{|tool_call}call:g{tool_call|}")));
    }

    @Test
    void emptyThoughtIsNothing() {
        assertEquals(new Routed("4", "", List.of()), Routed.of(tokens("{|channel}thought\n{channel|}4")));
        assertEquals(new Routed("4", "", List.of()), Routed.of(tokens("{|channel}{channel|}4")));
    }

    @Test
    void noMarkupLeaksWhereverTheAnswerEnds() {
        String thought = "a\nb\ud83d\ude00";
        String said = "answer \u4e16";
        int[] all = tokens("{|channel}thought\n" + thought + "\n{channel|}" + said + "{|tool_call}call:f{tool_call|}{turn|}");
        for (int length = 0; length <= all.length; length++) {
            Routed routed = Routed.of(Arrays.copyOf(all, length));
            // An incomplete character may stand at the end.
            assertTrue(thought.startsWith(routed.thought().replaceFirst("\ufffd$", "")), routed.thought());
            assertTrue(said.startsWith(routed.said().replaceFirst("\ufffd$", "")), routed.said());
            assertTrue(routed.calls().isEmpty() || length >= all.length - 1);
        }
    }

    @Test
    void channelMarkupInTextStaysText() {
        String text = "<|channel>thought\nx<channel|><|tool_call>call:f{}<tool_call|>";
        assertEquals(new Routed(text, "", List.of()), Routed.of(TOKENIZER.encode(text, false)));
    }

    /** Without control tokens everything is said, as the tokenizer decodes it. */
    @Property(tries = 300)
    void tokensWithoutMarkupAreDecoded(@ForAll @Size(max = 30) List<@IntRange(max = 262143) Integer> tokens) {
        int[] plain = tokens.stream().mapToInt(Integer::intValue).filter(token -> !TOKENIZER.isControl(token)).toArray();
        assertEquals(new Routed(TOKENIZER.decode(plain), "", List.of()), Routed.of(plain));
    }

    /** Whatever comes, control tokens are in no text. */
    @Property(tries = 500)
    void controlTokensAreInNoText(@ForAll @Size(max = 12) List<@IntRange(max = 120) Integer> tokens) {
        Routed routed = Routed.of(tokens.stream().mapToInt(Integer::intValue).filter(token -> TOKENIZER.isControl(token) || TOKENIZER.isUnused(token) || token > 60)
                .filter(token -> !TOKENIZER.isUnused(token)).toArray());
        assertFalse((routed.said() + routed.thought()).contains("|>"), routed.toString());
    }
}
