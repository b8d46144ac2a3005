package io.gemma4j.grammar;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.chat.JavaSchema;
import io.gemma4j.chat.Json;
import io.gemma4j.chat.ValueBinding;
import io.gemma4j.tokenizer.Vocabularies;
import java.math.BigDecimal;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RecordGrammarTest {
    enum Size { SMALL, LARGE }

    record Part(byte tiny, short small, int medium, long large, char letter) {}

    record Whole(Part part, Optional<Part> second, Map<String, Integer> counts, Set<Size> sizes, List<Double> numbers, BigDecimal price, boolean open) {}

    @Test
    void whateverSatisfiesTheSchemaOfARecordFitsIt() {
        RandomText texts = new RandomText(Vocabularies.MINI);
        Grammar grammar = Grammar.ofJsonSchema(JavaSchema.exactly(Whole.class, element -> Optional.empty()));
        Random random = new Random(5);
        Set<Integer> mediums = new HashSet<>();
        int seconds = 0;
        for (int i = 0; i < 60; i++) {
            Whole whole = assertInstanceOf(Whole.class,
                    ValueBinding.toJava(Json.read(texts.write(grammar, random, texts.shortestTokens(grammar) + random.nextInt(300))), Whole.class, "whole"));
            mediums.add(whole.part().medium());
            seconds += whole.second().isPresent() ? 1 : 0;
        }
        assertTrue(mediums.size() > 10 && seconds > 0, mediums + " and " + seconds);
    }
}
