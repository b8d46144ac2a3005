package io.gemma4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gemma4j.Fixture;
import io.gemma4j.KvType;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.backend.Step.LogitRows;
import io.gemma4j.gguf.GgufFile;
import java.lang.foreign.Arena;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** A backend may record a step: all its operations are called from within {@code runStep}, and only reading comes after. */
class StepSeamTest {
    private static final Set<String> MEMORY = Set.of("upload", "allocateActivations", "allocateRouting", "allocateKv", "maxStepRows", "close", "toString");

    /** Notes the calls outside of {@code runStep}. */
    private static ModelBackend observed(ModelBackend backend, List<String> outside) {
        boolean[] within = {false};
        return (ModelBackend) Proxy.newProxyInstance(ModelBackend.class.getClassLoader(), new Class<?>[] {ModelBackend.class}, (_, method, given) -> {
            if (method.getName().equals("runStep")) {
                within[0] = true;
            } else if (!within[0] && !MEMORY.contains(method.getName())) {
                outside.add(method.getName());
            }
            try {
                return method.invoke(backend, given);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            } finally {
                if (method.getName().equals("runStep")) {
                    within[0] = false;
                    outside.add("|");
                }
            }
        });
    }

    @TestFactory
    Stream<DynamicTest> onlyReadingIsOutsideOfWhatMayBeRecorded() {
        return Stream.of("dense-mini-Q4_K_M", "elastic-mini-Q8_0", "moe-mini-Q4_K_M").map(name -> DynamicTest.dynamicTest(name, () -> {
            List<String> outside = new ArrayList<>();
            try (Arena arena = Arena.ofShared();
                    OpenModel model = new OpenModel(GgufFile.open(Fixture.bundled(name).model(), arena), 8, backend -> observed(backend, outside));
                    var cache = model.decoder.newCache(16, KvType.F32)) {
                model.feed(cache, new int[] {2}, LogitRows.LAST);
                cache.clear();
                model.feed(cache, new int[] {2, 3, 4, 5}, LogitRows.NONE);
                cache.clear();
                model.feed(cache, new int[] {2, 3, 4}, LogitRows.ALL);
            }
            assertEquals(List.of("|", "read", "|", "|", "read", "read", "read"), outside);
        }));
    }
}
