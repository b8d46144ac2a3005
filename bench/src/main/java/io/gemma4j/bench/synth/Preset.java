package io.gemma4j.bench.synth;

/** The published sizes of Gemma 4. */
public enum Preset {
    /** Elastic, 2 billion effective parameters. */
    E2B("e2b", new Architecture("E2B", 35, 1536, 8, 1, 1, 256, 512, 6144, 12288, 512, 5, 20, 256, 0, 0, 0, false, 131_072)),
    /** Elastic, 4 billion effective parameters. */
    E4B("e4b", new Architecture("E4B", 42, 2560, 8, 2, 2, 256, 512, 10240, 10240, 512, 6, 18, 256, 0, 0, 0, false, 131_072)),
    /** Mixture of experts, 4 billion parameters active of 26. */
    A4B_26B("26b-a4b", new Architecture("26B-A4B", 30, 2816, 16, 8, 2, 256, 512, 2112, 2112, 1024, 6, 0, 0, 128, 8, 704, true, 262_144)),
    /** Dense, 31 billion parameters. */
    DENSE_31B("31b", new Architecture("31B", 60, 5376, 32, 16, 4, 256, 512, 21504, 21504, 1024, 6, 0, 0, 0, 0, 0, true, 262_144));

    private final String label;
    private final Architecture architecture;

    Preset(String label, Architecture architecture) {
        this.label = label;
        this.architecture = architecture;
    }

    /** Its shape. */
    Architecture architecture() {
        return architecture;
    }

    /**
     * Its name on a command line.
     *
     * @return as in {@code 26b-a4b}
     */
    @Override
    public String toString() {
        return label;
    }
}
