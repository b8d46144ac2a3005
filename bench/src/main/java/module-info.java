/** Home of the benchmarks. It holds none yet. */
module io.gemma4j.bench {
    requires io.gemma4j.core;
}
