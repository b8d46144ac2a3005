package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class StopMatcherTest {

    // The alphabet is small, so that stop strings overlap each other and themselves.
    @Property(tries = 5000)
    void textEndsBeforeTheFirstCompleteStopStringWhateverThePieces(@ForAll("texts") String text, @ForAll("stopStrings") List<String> stops,
            @ForAll Random random) {
        int end = firstStop(text, stops);
        StopMatcher matcher = new StopMatcher(stops);
        StringBuilder emitted = new StringBuilder();
        for (int from = 0; from < text.length() && !matcher.stopped();) {
            int to = Math.min(text.length(), from + random.nextInt(5));
            emitted.append(matcher.accept(text.substring(from, to)));
            assertTrue(text.startsWith(emitted.toString()), "what was emitted must be the start of the text");
            if (!matcher.stopped()) {
                assertEquals(to - mayStartAStop(text.substring(0, to), stops), emitted.length(), "no more may be held back than a stop's start");
            }
            from = to;
        }
        assertEquals(end >= 0, matcher.stopped());
        emitted.append(matcher.flush());
        assertEquals(end < 0 ? text : text.substring(0, end), emitted.toString());
    }

    @Provide
    Arbitrary<String> texts() {
        return Arbitraries.strings().withChars("ab\u00e9").ofMaxLength(24);
    }

    @Provide
    Arbitrary<List<String>> stopStrings() {
        return Arbitraries.strings().withChars("ab\u00e9").ofMinLength(1).ofMaxLength(5).list().ofMaxSize(3);
    }

    /** Reads the text character by character: where the stop starts with which it first ends, the longest of several; -1 for none. */
    private static int firstStop(String text, List<String> stops) {
        for (int end = 0; end <= text.length(); end++) {
            String read = text.substring(0, end);
            int start = stops.stream().filter(read::endsWith).mapToInt(stop -> read.length() - stop.length()).min().orElse(-1);
            if (start >= 0) {
                return start;
            }
        }
        return -1;
    }

    private static int mayStartAStop(String text, List<String> stops) {
        for (int length = text.length(); length > 0; length--) {
            String tail = text.substring(text.length() - length);
            if (stops.stream().anyMatch(stop -> stop.startsWith(tail))) {
                return length;
            }
        }
        return 0;
    }

    @Test
    void heldBackTextComesOutWhenItIsNoStop() {
        StopMatcher matcher = new StopMatcher(List.of("<end>"));
        assertEquals("x", matcher.accept("x<en"));
        assertEquals("<en", matcher.accept("<"));
        assertFalse(matcher.stopped());
        assertEquals("<", matcher.flush());
        assertEquals("", matcher.flush());
    }

    @Test
    void stopStringOverSeveralPiecesIsCutOutWhole() {
        StopMatcher matcher = new StopMatcher(List.of("stop", "xyz"));
        assertEquals("a ", matcher.accept("a s"));
        assertEquals("", matcher.accept("to"));
        assertEquals("", matcher.accept("p and more"));
        assertTrue(matcher.stopped());
        assertEquals("", matcher.flush());
    }
}
