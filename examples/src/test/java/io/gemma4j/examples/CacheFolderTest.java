package io.gemma4j.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CacheFolderTest {
    private static final Path HOME = Path.of("/home/ada");

    @Test
    void everySystemHasItsPlace() {
        assertEquals(Path.of("/home/ada/.cache/gemma4j"), CacheFolder.of("Linux", Map.of(), HOME));
        assertEquals(Path.of("/home/ada/Library/Caches/gemma4j"), CacheFolder.of("Mac OS X", Map.of("XDG_CACHE_HOME", "/c"), HOME));
        assertEquals(Path.of("/home/ada/AppData/Local/gemma4j/Cache"), CacheFolder.of("Windows 11", Map.of(), HOME));
        assertEquals(Path.of("/local/gemma4j/Cache"), CacheFolder.of("Windows 11", Map.of("LOCALAPPDATA", "/local"), HOME));
    }

    @Test
    void theFolderOfTheEnvironmentCountsIfItIsAbsolute() {
        assertEquals(Path.of("/c/gemma4j"), CacheFolder.of("Linux", Map.of("XDG_CACHE_HOME", "/c"), HOME));
        assertEquals(Path.of("/home/ada/.cache/gemma4j"), CacheFolder.of("FreeBSD", Map.of("XDG_CACHE_HOME", "c"), HOME));
        assertEquals(Path.of("/home/ada/.cache/gemma4j"), CacheFolder.of("Linux", Map.of("XDG_CACHE_HOME", ""), HOME));
    }
}
