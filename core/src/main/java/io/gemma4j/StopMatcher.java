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

    /** Takes the next piece and returns the text that is certain to come before any stop string. */
    String accept(String piece) {
        if (stops.isEmpty()) {
            return piece;
        }
        String text = held + piece;
        int end = stops.stream().mapToInt(text::indexOf).filter(at -> at >= 0).min().orElse(-1);
        stopped = end >= 0;
        if (!stopped) {
            end = text.length() - longestStart(text);
        }
        held = stopped ? "" : text.substring(end);
        return text.substring(0, end);
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
