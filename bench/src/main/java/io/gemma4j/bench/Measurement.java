package io.gemma4j.bench;

import io.gemma4j.bench.measure.Engine;
import io.gemma4j.bench.measure.Machine;
import io.gemma4j.bench.measure.MemoryTraffic;
import io.gemma4j.bench.measure.ModelFile;
import io.gemma4j.bench.measure.Report;
import io.gemma4j.bench.measure.Speed;
import io.gemma4j.bench.measure.SpeedTests;
import io.gemma4j.gguf.GgufFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.foreign.Arena;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Measures engines that are open, prints a table as it fills, and writes the report. */
final class Measurement {
    private final MeasureOptions options;
    private final PrintWriter out;
    private final PrintWriter err;

    Measurement(MeasureOptions options, PrintWriter out, PrintWriter err) {
        this.options = options;
        this.out = out;
        this.err = err;
    }

    /**
     * Runs all tests.
     *
     * @param engines on the same model
     * @param onProcessor whether they compute on the processor, whose memory is measured then
     */
    List<Speed> run(List<? extends Engine> engines, boolean onProcessor) throws IOException, InterruptedException {
        ModelFile file = ModelFile.of(options.model());
        MemoryTraffic traffic;
        try (Arena arena = Arena.ofConfined()) {
            traffic = MemoryTraffic.of(GgufFile.open(options.model(), arena), options.kvType());
        }
        Machine machine = Machine.here();
        Double bandwidth = onProcessor ? (Double) options.readBytesPerSecond() : null;
        Map<String, String> descriptions = new LinkedHashMap<>();
        engines.forEach(engine -> descriptions.put(engine.name(), engine.description()));

        out.printf(Locale.ROOT, "%s, %.2f GB, sha256 of %s: %s%n", file.file(), file.bytes() / 1e9, file.hashed(), file.sha256());
        out.printf("%s, %d processors, %s; %s%n", machine.processor(), machine.processors(), machine.operatingSystem(), machine.jvm());
        descriptions.forEach((name, description) -> out.println(name + ": " + description));
        if (bandwidth != null) {
            out.printf(Locale.ROOT, "memory read: %.1f GB/s%n", bandwidth / 1e9);
        }
        out.printf("%n| engine | test | tok/s | GB/s | of memory read |%n|---|---|---:|---:|---:|%n");
        SpeedTests tests = new SpeedTests(engines, options.tests(), options.repetitions(), options.warmUpSeconds(), traffic.config().vocabulary());
        List<Speed> speeds = tests.run(traffic, bandwidth, this::print);
        if (options.json() != null) {
            new Report(file, traffic.config().name(), descriptions, options.threads(), MeasureOptions.lowerCase(options.kvType()), machine,
                    bandwidth == null ? null : bandwidth / 1e9, Machine.peakHeapBytes(), speeds).write(options.json());
        }
        return speeds;
    }

    private void print(Speed speed) {
        out.printf(Locale.ROOT, "| %s | %s | %.2f ± %.2f | %s | %s |%n", speed.engine(), speed.test(), speed.tokensPerSecond(), speed.deviation(),
                speed.gigabytesPerSecond() == null ? "" : "%.1f".formatted(speed.gigabytesPerSecond()),
                speed.bandwidthFraction() == null ? "" : "%.0f %%".formatted(100 * speed.bandwidthFraction()));
        out.flush();
        if (speed.unsteady()) {
            err.printf(Locale.ROOT, "Warning: %s %s: repetitions differ by %.0f %%; the machine is busy or the test too short%n", speed.engine(),
                    speed.test(), 100 * speed.spread());
            err.flush();
        }
    }
}
