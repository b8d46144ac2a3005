package io.gemma4j.metal;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The kernels' sources in this library, with the headers they include put in place: Metal takes a source as one text. */
final class KernelSource {
    private static final String FOLDER = "kernels/";
    private static final Pattern INCLUDE = Pattern.compile("\\s*#include \"([^\"]+)\"\\s*");

    private final StringBuilder text = new StringBuilder();
    private final Set<String> included = new HashSet<>();

    private KernelSource() {}

    /** Whether there is a source of this name, without its suffix. */
    static boolean exists(String name) {
        return KernelSource.class.getResource(FOLDER + name + ".metal") != null;
    }

    /**
     * A source; each header is in it once, where it is first included.
     *
     * @param name without its suffix
     */
    static String read(String name) {
        KernelSource source = new KernelSource();
        source.append(name + ".metal");
        return source.text.toString();
    }

    private void append(String file) {
        text.append("#line 1 \"").append(file).append("\"\n");
        int number = 0;
        for (String line : resource(file).split("\n", -1)) {
            number++;
            Matcher include = INCLUDE.matcher(line);
            if (!include.matches()) {
                text.append(line.equals("#pragma once") ? "" : line).append('\n');
            } else if (included.add(include.group(1))) {
                append(include.group(1));
                text.append("#line ").append(number + 1).append(" \"").append(file).append("\"\n");
            } else {
                text.append('\n');
            }
        }
    }

    private static String resource(String file) {
        try (InputStream resource = KernelSource.class.getResourceAsStream(FOLDER + file)) {
            if (resource == null) {
                throw new MetalException("this build of gemma4j-metal has no kernel source '" + file + "'");
            }
            return new String(resource.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
