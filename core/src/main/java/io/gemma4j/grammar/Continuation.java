package io.gemma4j.grammar;

/** What has still to come: a symbol, then the rest; null is the end. Immutable; equal if made of the same symbols. */
final class Continuation {
    final Symbol first;
    final Continuation rest;
    final int depth;
    final int shortestBytes;
    private final int hash;

    Continuation(Symbol first, Continuation rest) {
        this.first = first;
        this.rest = rest;
        this.depth = rest == null ? 1 : rest.depth + 1;
        this.shortestBytes = (int) Math.min(Symbol.ENDLESS, (long) first.shortestBytes() + shortestBytes(rest));
        this.hash = 31 * (rest == null ? 0 : rest.hash) + first.hashCode();
    }

    static int shortestBytes(Continuation continuation) {
        return continuation == null ? 0 : continuation.shortestBytes;
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof Continuation that) || hash != that.hash || depth != that.depth) {
            return false;
        }
        Continuation mine = this;
        Continuation theirs = that;
        while (mine != theirs && mine.first.equals(theirs.first)) {
            mine = mine.rest;
            theirs = theirs.rest;
        }
        return mine == theirs;
    }

    @Override
    public int hashCode() {
        return hash;
    }
}
