package io.gemma4j.examples;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;

/** Where the operating system wants programs to keep files that can be made again. */
final class CacheFolder {
    private static final String NAME = "gemma4j";

    private CacheFolder() {}

    /**
     * The folder of this program, which need not exist.
     *
     * @param system name of the operating system, as the JVM has it
     * @param environment variables of the process
     * @param home the user's folder
     */
    static Path of(String system, Map<String, String> environment, Path home) {
        String name = system.toLowerCase(Locale.ROOT);
        if (name.startsWith("windows")) {
            String local = environment.get("LOCALAPPDATA");
            return (local == null ? home.resolve("AppData").resolve("Local") : Path.of(local)).resolve(NAME).resolve("Cache");
        }
        if (name.startsWith("mac")) {
            return home.resolve("Library").resolve("Caches").resolve(NAME);
        }
        // Relative paths are to be ignored: https://specifications.freedesktop.org/basedir/latest/
        String cache = environment.get("XDG_CACHE_HOME");
        return (cache != null && Path.of(cache).isAbsolute() ? Path.of(cache) : home.resolve(".cache")).resolve(NAME);
    }
}
