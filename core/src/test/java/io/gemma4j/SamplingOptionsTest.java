package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.RecordComponent;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

class SamplingOptionsTest {
    private static final SamplingOptions DEFAULTS = SamplingOptions.defaults();

    @Test
    void defaultsAreTheDocumentedOnes() {
        assertEquals(new SamplingOptions(0.8f, 64, 0.95f, 0, 1, 1, 0, 0, 64, Map.of(), OptionalLong.empty()), DEFAULTS);
    }

    @Test
    void greedySwitchesEverythingElseOff() {
        assertEquals(new SamplingOptions(0, 0, 1, 0, 1, 1, 0, 0, 64, Map.of(), OptionalLong.empty()), SamplingOptions.greedy());
    }

    @Test
    void eachWitherChangesItsComponentAndNoOther() throws ReflectiveOperationException {
        assertChangesOnly("temperature", 0.5f, o -> o.temperature(0.5f));
        assertChangesOnly("topK", 3, o -> o.topK(3));
        assertChangesOnly("topP", 0.5f, o -> o.topP(0.5f));
        assertChangesOnly("minP", 0.5f, o -> o.minP(0.5f));
        assertChangesOnly("typicalP", 0.5f, o -> o.typicalP(0.5f));
        assertChangesOnly("repetitionPenalty", 0.5f, o -> o.repetitionPenalty(0.5f));
        assertChangesOnly("presencePenalty", -0.5f, o -> o.presencePenalty(-0.5f));
        assertChangesOnly("frequencyPenalty", -0.5f, o -> o.frequencyPenalty(-0.5f));
        assertChangesOnly("penaltyTokens", -1, o -> o.penaltyTokens(-1));
        assertChangesOnly("logitBias", Map.of(3, 1f), o -> o.logitBias(Map.of(3, 1f)));
        assertChangesOnly("seed", OptionalLong.of(-9), o -> o.seed(-9));
    }

    @Test
    void limitsOfEachRangeAreInside() {
        SamplingOptions low = DEFAULTS.temperature(0).topK(0).topP(0).minP(0).typicalP(0).repetitionPenalty(Float.MIN_VALUE)
                .penaltyTokens(-1).logitBias(Map.of(0, Float.NEGATIVE_INFINITY));
        SamplingOptions high = DEFAULTS.temperature(Float.MAX_VALUE).topK(Integer.MAX_VALUE).topP(1).minP(1).typicalP(1)
                .repetitionPenalty(Float.MAX_VALUE).penaltyTokens(Integer.MAX_VALUE).logitBias(Map.of(Integer.MAX_VALUE, Float.MAX_VALUE));
        assertEquals(0, low.topP());
        assertEquals(1, high.topP());
    }

    @Test
    void valuesOutOfRangeAreNamedWithRangeAndValue() {
        assertRefused("temperature must be a finite number of at least 0, was -0.1", () -> DEFAULTS.temperature(-0.1f));
        assertRefused("temperature must be a finite number of at least 0, was NaN", () -> DEFAULTS.temperature(Float.NaN));
        assertRefused("temperature must be a finite number of at least 0, was Infinity", () -> DEFAULTS.temperature(Float.POSITIVE_INFINITY));
        assertRefused("topK must be at least 0, was -1", () -> DEFAULTS.topK(-1));
        assertRefused("topP must be a number from 0 to 1, was 1.5", () -> DEFAULTS.topP(1.5f));
        assertRefused("topP must be a number from 0 to 1, was NaN", () -> DEFAULTS.topP(Float.NaN));
        assertRefused("minP must be a number from 0 to 1, was -0.5", () -> DEFAULTS.minP(-0.5f));
        assertRefused("minP must be a number from 0 to 1, was NaN", () -> DEFAULTS.minP(Float.NaN));
        assertRefused("typicalP must be a number from 0 to 1, was 2.0", () -> DEFAULTS.typicalP(2));
        assertRefused("typicalP must be a number from 0 to 1, was NaN", () -> DEFAULTS.typicalP(Float.NaN));
        assertRefused("repetitionPenalty must be a finite number above 0, was 0.0", () -> DEFAULTS.repetitionPenalty(0));
        assertRefused("repetitionPenalty must be a finite number above 0, was NaN", () -> DEFAULTS.repetitionPenalty(Float.NaN));
        assertRefused("presencePenalty must be a finite number, was Infinity", () -> DEFAULTS.presencePenalty(Float.POSITIVE_INFINITY));
        assertRefused("presencePenalty must be a finite number, was NaN", () -> DEFAULTS.presencePenalty(Float.NaN));
        assertRefused("frequencyPenalty must be a finite number, was NaN", () -> DEFAULTS.frequencyPenalty(Float.NaN));
        assertRefused("penaltyTokens must be at least -1, was -2", () -> DEFAULTS.penaltyTokens(-2));
        assertRefused("logitBias must be a map from token ids of at least 0, was -7", () -> DEFAULTS.logitBias(Map.of(-7, 1f)));
        assertRefused("logitBias of token 7 must be a finite number or negative infinity, was NaN",
                () -> DEFAULTS.logitBias(Map.of(7, Float.NaN)));
        assertRefused("logitBias of token 7 must be a finite number or negative infinity, was Infinity",
                () -> DEFAULTS.logitBias(Map.of(7, Float.POSITIVE_INFINITY)));
    }

    @Test
    void nullsAreRefused() {
        assertThrows(NullPointerException.class, () -> DEFAULTS.logitBias(null));
        assertThrows(NullPointerException.class, () -> new SamplingOptions(0, 0, 1, 0, 1, 1, 0, 0, 0, Map.of(), null));
        Map<Integer, Float> withNull = new HashMap<>();
        withNull.put(1, null);
        assertThrows(NullPointerException.class, () -> DEFAULTS.logitBias(withNull));
    }

    @Test
    void theBiasMapIsACopyThatNobodyCanChange() {
        Map<Integer, Float> mine = new HashMap<>(Map.of(1, 2f));
        SamplingOptions options = DEFAULTS.logitBias(mine);
        mine.put(1, 3f);
        assertEquals(Map.of(1, 2f), options.logitBias());
        assertThrows(UnsupportedOperationException.class, () -> options.logitBias().put(1, 3f));
    }

    private static void assertChangesOnly(String name, Object value, UnaryOperator<SamplingOptions> wither) throws ReflectiveOperationException {
        SamplingOptions before = new SamplingOptions(0.9f, 5, 0.8f, 0.1f, 0.7f, 1.1f, 0.2f, 0.3f, 17, Map.of(1, 2f), OptionalLong.of(4));
        SamplingOptions after = wither.apply(before);
        boolean found = false;
        for (RecordComponent component : SamplingOptions.class.getRecordComponents()) {
            boolean changed = component.getName().equals(name);
            Object expected = changed ? value : component.getAccessor().invoke(before);
            assertEquals(expected, component.getAccessor().invoke(after), component.getName());
            found |= changed;
        }
        assertTrue(found, name);
    }

    private static void assertRefused(String message, Runnable call) {
        assertEquals(message, assertThrows(IllegalArgumentException.class, call::run).getMessage());
    }
}
