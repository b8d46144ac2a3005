package io.gemma4j.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class CudaDriverTest {
    private static final Path HEADER = Path.of("/usr/local/cuda/include/cuda.h");
    private static final Pattern PROTOTYPE = Pattern.compile("CUresult\\s+(cu\\w+)\\s*\\(([^()]*)\\)\\s*;");

    @Test
    @EnabledOnOs(OS.LINUX)
    void everySignatureIsThatOfTheHeader() throws Exception {
        assumeTrue(Files.exists(HEADER), "no " + HEADER + " to compare with");
        // The preprocessor resolves the macros that give functions their versions.
        Map<String, String> declared = prototypes(CCompiler.run("-E", "-P", HEADER.toString()));
        Map<String, String> used = new LinkedHashMap<>();
        CudaDriver.descriptors().forEach((name, descriptor) -> used.put(name, letters(descriptor)));
        Map<String, String> expected = new LinkedHashMap<>();
        used.keySet().forEach(name -> expected.put(name, declared.get(name)));
        assertEquals(expected, used);
    }

    @Test
    void includeListNamesTheFunctionsThatAreUsed() throws IOException {
        Path list = Path.of("src/main/java/io/gemma4j/cuda/cuda.includes");
        assumeTrue(Files.exists(list), "not run in the module's folder");
        assertEquals(new TreeSet<>(CudaDriver.descriptors().keySet()),
                Files.readAllLines(list).stream().map(line -> line.replace("--include-function ", "")).collect(Collectors.toCollection(TreeSet::new)));
    }

    private static Map<String, String> prototypes(String header) {
        Map<String, String> prototypes = new LinkedHashMap<>();
        Matcher matcher = PROTOTYPE.matcher(header);
        while (matcher.find()) {
            StringBuilder letters = new StringBuilder();
            if (!matcher.group(2).strip().equals("void")) {
                for (String parameter : matcher.group(2).split(",")) {
                    letters.append(letter(parameter.strip()));
                }
            }
            prototypes.put(matcher.group(1), letters.toString());
        }
        return prototypes;
    }

    /** P pointer or opaque handle, L 64 bits, I 32 bits, B 8 bits. */
    private static char letter(String parameter) {
        String type = parameter.replaceFirst("\\w+$", "").replace("const ", "").strip();
        return switch (type) {
            case "size_t", "CUdeviceptr", "unsigned long long" -> 'L';
            case "int", "unsigned int", "CUdevice", "CUresult", "CUdevice_attribute", "CUfunction_attribute", "CUstreamCaptureMode" -> 'I';
            case "unsigned char" -> 'B';
            case "CUcontext", "CUstream", "CUevent", "CUmodule", "CUfunction", "CUgraph", "CUgraphExec" -> 'P';
            default -> type.endsWith("*") ? 'P' : '?';
        };
    }

    private static String letters(FunctionDescriptor descriptor) {
        assertEquals(ValueLayout.JAVA_INT, descriptor.returnLayout().orElseThrow());
        StringBuilder letters = new StringBuilder();
        for (MemoryLayout layout : descriptor.argumentLayouts()) {
            letters.append(layout.equals(ValueLayout.ADDRESS) ? 'P' : switch ((int) layout.byteSize()) {
                case 8 -> 'L';
                case 4 -> 'I';
                case 1 -> 'B';
                default -> '?';
            });
        }
        return letters.toString();
    }
}
