package io.gemma4j;

import java.util.List;

/** Watches a text for stop strings and holds back what may be the start of one. */
final class StopMatcher {
    private final List<String> stops;
    private String held = "";
    private boolean stopped;

    StopMatcher(List<String> stops) {
        this.stops = stops;
    }

    /**
     * A list of stop strings.
     *
     * @throws IllegalArgumentException if one is empty
     */
    static List<String> checked(String... stops) {
        List<String> values = List.of(stops);
        if (values.contains("")) {
            throw new IllegalArgumentException("stop must not hold an empty string");
        }
        return values;
    }

    /** Takes the next piece and returns the text that is certain to come before any stop string. */
    String accept(String piece) {
        if (stops.isEmpty()) {
            return piece;
        }
        String text = held + piece;
        int start = text.length();
        int end = Integer.MAX_VALUE;
        for (String stop : stops) {
            int at = text.indexOf(stop);
            // What is complete first counts, so that the borders of the pieces make no difference; of two that end together, the longer one.
            if (at >= 0 && (at + stop.length() < end || at + stop.length() == end && at < start)) {
                start = at;
                end = at + stop.length();
            }
        }
        stopped = end < Integer.MAX_VALUE;
        if (!stopped) {
            start -= longestStart(text);
        }
        held = stopped ? "" : text.substring(start);
        return text.substring(0, start);
    }

    /** Whether a stop string has come up. */
    boolean stopped() {
        return stopped;
    }

    /** What was held back, once it is certain that nothing follows. */
    String flush() {
        String rest = held;
        held = "";
        return rest;
    }

    // Length of the longest suffix of the text with which a stop string starts.
    private int longestStart(String text) {
        int longest = 0;
        for (String stop : stops) {
            for (int length = Math.min(stop.length() - 1, text.length()); length > longest; length--) {
                if (text.regionMatches(text.length() - length, stop, 0, length)) {
                    longest = length;
                }
            }
        }
        return longest;
    }
}
