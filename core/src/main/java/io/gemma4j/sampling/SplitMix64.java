package io.gemma4j.sampling;

/**
 * Random numbers as a pure function of (seed, step), so that any backend reproduces them without carrying a state: output number {@code step}
 * of SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014; finalizer: Stafford's variant 13),
 * in 64-bit arithmetic that wraps, with logical shifts:
 *
 * <pre>
 * z = seed + (step + 1) * 0x9e3779b97f4a7c15
 * z = (z ^ (z &gt;&gt;&gt; 30)) * 0xbf58476d1ce4e5b9
 * z = (z ^ (z &gt;&gt;&gt; 27)) * 0x94d049bb133111eb
 * bits = z ^ (z &gt;&gt;&gt; 31)
 * uniform = (bits &gt;&gt;&gt; 11) * 2^-53                  exact in a double, in [0, 1)
 * </pre>
 *
 * Test vectors (seed, step: bits; uniform): (0, 0: e220a8397b1dcdaf; 0x1.c4415072f63b9p-1), (1234567, 0: 599ed017fb08fc85;
 * 0x1.667b405fec23ep-2), (1234567, 4: e3b8346708cb5ecd; 0x1.c77068ce1196bp-1), (-1, 1000000: b6fe577e474fffc8; 0x1.6dfcaefc8e9ffp-1).
 * Thread-safe.
 */
public final class SplitMix64 {
    private SplitMix64() {}

    /**
     * 64 uniform bits.
     *
     * @param seed the stream
     * @param step the place in the stream, from 0
     * @return the bits
     */
    public static long bits(long seed, long step) {
        long z = seed + (step + 1) * 0x9e3779b97f4a7c15L;
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }

    /**
     * A uniform number of 53 bits.
     *
     * @param seed the stream
     * @param step the place in the stream, from 0
     * @return at least 0, below 1
     */
    public static double uniform(long seed, long step) {
        return (bits(seed, step) >>> 11) * 0x1.0p-53;
    }
}
