package io.gemma4j.metal;

/**
 * Threadgroups of a dispatch, or threads of a threadgroup. Immutable.
 *
 * @param x at least 1
 * @param y at least 1
 * @param z at least 1
 */
record Grid(int x, int y, int z) {

    static Grid of(int x) {
        return new Grid(x, 1, 1);
    }

    static Grid of(int x, int y) {
        return new Grid(x, y, 1);
    }

    static Grid of(int x, int y, int z) {
        return new Grid(x, y, z);
    }

    /** How many in all. */
    long count() {
        return (long) x * y * z;
    }
}
