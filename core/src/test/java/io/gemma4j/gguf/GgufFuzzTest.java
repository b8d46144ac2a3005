package io.gemma4j.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.ModelFormatException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.RandomDistribution;
import net.jqwik.api.Tuple;
import net.jqwik.api.statistics.Statistics;
import net.jqwik.api.statistics.StatisticsReport;

/** Damaged copies of the fixtures: parsing gives a file or a {@link ModelFormatException}, soon, and takes no more heap than the file is long. */
class GgufFuzzTest {
    /** A fixture in memory with the size of all before its tensors' data. */
    record Fixture(MemorySegment bytes, long headBytes) {
        static Fixture of(String name) {
            try {
                MemorySegment bytes = MemorySegment.ofArray(Files.readAllBytes(GgufFixturesTest.FIXTURES.resolve(name)));
                return new Fixture(bytes, GgufFile.parse(name, bytes).tensors().getFirst().bytes().address() - bytes.address());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Something done to the head of a file: {@code value} goes over {@code byteCount} bytes, or is xor-ed with one byte where that is 0. */
    record Damage(double place, int byteCount, long value) {
        private long at(Fixture fixture) {
            return (long) (place * fixture.headBytes());
        }

        void apply(Fixture fixture) {
            if (byteCount == 0) {
                byte old = fixture.bytes().get(ValueLayout.JAVA_BYTE, at(fixture));
                fixture.bytes().set(ValueLayout.JAVA_BYTE, at(fixture), (byte) (old ^ value));
            }
            for (int i = 0; i < byteCount; i++) {
                fixture.bytes().set(ValueLayout.JAVA_BYTE, at(fixture) + i, (byte) (value >> 8 * i));
            }
        }
    }

    private static final List<Fixture> FIXTURES = Stream.of("dense-mini-Q4_K_M.gguf", "elastic-mini-Q8_0.gguf", "moe-mini-Q4_K_M.gguf").map(Fixture::of).toList();
    /** More than a damage at the end of the head can reach. */
    private static final int REACH_BYTES = Long.BYTES;
    private static final Duration BOUND = Duration.ofSeconds(10);

    @StatisticsReport(StatisticsReport.StatisticsReportMode.OFF)
    @Property(tries = 12_000, edgeCases = EdgeCasesMode.NONE)
    void damagedFilesAreReadOrRefusedButNothingElse(@ForAll("fixtures") Fixture fixture, @ForAll("damages") List<Damage> damages, @ForAll("lengths") double length) {
        MemorySegment head = fixture.bytes().asSlice(0, fixture.headBytes() + REACH_BYTES);
        byte[] intact = head.toArray(ValueLayout.JAVA_BYTE);
        try {
            damages.forEach(damage -> damage.apply(fixture));
            // Most truncations fall into the head, where they leave nothing of the data.
            long bytes = length >= 1 ? fixture.bytes().byteSize() : (long) (length * 1.1 * fixture.headBytes());
            MemorySegment damaged = fixture.bytes().asSlice(0, bytes);
            assertTimeout(BOUND, () -> {
                Optional<GgufFile> file = ParseAllocation.parseWithinSize(damaged, allowedBytes(fixture, bytes));
                file.ifPresent(GgufFuzzTest::readAll);
                Statistics.collect(file.isPresent() ? "read" : "refused");
            });
            Statistics.coverage(outcomes -> outcomes.checkQuery(outcome -> true).count(count -> count >= 10_000));
            Statistics.coverage(outcomes -> outcomes.check("read").percentage(share -> share > 10));
            Statistics.coverage(outcomes -> outcomes.check("refused").percentage(share -> share > 10));
        } finally {
            MemorySegment.copy(intact, 0, head, ValueLayout.JAVA_BYTE, 0, intact.length);
        }
    }

    /**
     * The file's size, and no constant, where the data is there. A file cut down to its head may take more than itself: a damaged length can make
     * one text of it, decoded by way of seven times its bytes.
     */
    private static long allowedBytes(Fixture fixture, long bytes) {
        return Math.max(bytes, ParseAllocation.CONSTANT_BYTES + 8 * Math.min(bytes, fixture.headBytes()));
    }

    @Provide
    Arbitrary<Fixture> fixtures() {
        return Arbitraries.of(FIXTURES);
    }

    @Provide
    Arbitrary<Double> lengths() {
        return Arbitraries.frequencyOf(Tuple.of(4, Arbitraries.just(1.0)), Tuple.of(1, fractions(0, 0.999)));
    }

    @Provide
    Arbitrary<List<Damage>> damages() {
        // Nine tenths of a head are the vocabulary; its ends have the fields of most consequence.
        Arbitrary<Double> places = Arbitraries.oneOf(fractions(0, 0.999), fractions(0, 0.035), fractions(0.85, 0.999));
        Arbitrary<Damage> bitFlips = Combinators.combine(places, Arbitraries.integers().between(0, 7)).as((place, bit) -> new Damage(place, 0, 1L << bit));
        Arbitrary<Long> values = Arbitraries.oneOf(Arbitraries.longs(), Arbitraries.longs().between(0, 300), Arbitraries.longs().between(2_000_000, 7_000_000),
                Arbitraries.of(-1L, Long.MIN_VALUE, Long.MAX_VALUE, 0x7fffffffL, 0x80000000L, 0xffffffffL, 0x100000000L, 65_535L, 65_536L, 65_537L,
                        Long.MAX_VALUE / 12, Long.MIN_VALUE / 8, 2_208_608L, 6_415_104L, 3_209_376L));
        Arbitrary<Damage> numbers = Combinators.combine(places, Arbitraries.of(4, 8), values).as(Damage::new);
        return Arbitraries.oneOf(bitFlips, numbers).list().ofMinSize(0).ofMaxSize(3);
    }

    private static Arbitrary<Double> fractions(double from, double to) {
        return Arbitraries.doubles().between(from, to).ofScale(6).withDistribution(RandomDistribution.uniform());
    }

    /** Every value through every getter: each gives it or refuses it with the exception made for that. */
    private static void readAll(GgufFile file) {
        GgufMetadata metadata = file.metadata();
        List<Function<String, ?>> getters = List.of(metadata::string, metadata::findString, metadata::integer, metadata::findInteger, metadata::floating,
                metadata::findFloating, metadata::findBool, metadata::strings, metadata::findStrings, metadata::findBools, metadata::findIntegers);
        for (String key : metadata.keys()) {
            for (Function<String, ?> getter : getters) {
                try {
                    getter.apply(key);
                } catch (ModelFormatException otherType) {
                    assertTrue(otherType.getMessage().startsWith("fuzz: key '"), otherType::getMessage);
                }
            }
            readElements(metadata.asMap().get(key));
        }
        for (GgufTensor tensor : file.tensors()) {
            assertTrue(tensor.elements() > 0);
            tensor.bytes().get(ValueLayout.JAVA_BYTE, tensor.bytes().byteSize() - 1);
            assertEquals(tensor, file.tensor(tensor.name()).orElseThrow());
        }
    }

    private static void readElements(Object value) {
        if (value instanceof List<?> list) {
            list.forEach(GgufFuzzTest::readElements);
        } else {
            assertTrue(value instanceof Number || value instanceof String || value instanceof Boolean, () -> String.valueOf(value));
        }
    }
}
