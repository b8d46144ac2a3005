package io.gemma4j;

/** Which token comes next where not all may. */
@FunctionalInterface
interface TokenChoice {

    /** Draws a token among those that are allowed. */
    @FunctionalInterface
    interface Draw {

        /**
         * Draws one; if called again, in place of the one before.
         *
         * @param allowed a bit for each token; not to be changed until the call returns
         * @return -1 if none of them can be drawn
         */
        int among(long[] allowed);
    }

    /** Chooses a token, drawn or not. */
    int choose(Draw draw);
}
