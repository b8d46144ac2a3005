package io.gemma4j.metal.fake;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Turns a preprocessed shader into C++ that clang takes: attributes become macros, threadgroup variables become references to memory of the
 * executor, and each kernel gets an entry without arguments. Lines stay where they are.
 */
final class ShaderRewriter {
    private static final Pattern ATTRIBUTE = Pattern.compile("\\[\\[\\s*(\\w+)\\s*(?:\\(([^\\[\\]]*?)\\))?\\s*]]");
    private static final Pattern KERNEL = Pattern.compile("\\bkernel\\s+void\\s+(\\w+)\\s*\\(");
    private static final Pattern TEMPLATED_KERNEL = Pattern.compile("template\\s*<[^;{}]*>\\s*(?:\\[\\[\\s*kernel\\s*]]|kernel)\\b");
    private static final Pattern THREADGROUP_VARIABLE = Pattern.compile(
            "(?<before>[;{}]\\s*|^\\s*)threadgroup\\s+(?<type>[A-Za-z_][\\w:]*(?:\\s*<[^;()]*>)?)\\s+(?<name>\\w+)\\s*(?<sizes>(?:\\[[^]]*]\\s*)*);",
            Pattern.MULTILINE);
    private static final Pattern OTHER_THREADGROUP_VARIABLE = Pattern.compile("[;{}]\\s*threadgroup\\s+[\\w:<>, ]+[^;*&(]*;");
    private static final Pattern HALF_LITERAL = Pattern.compile("\\b((?:\\d+\\.\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?)h\\b");
    private static final Pattern FUNCTION_CONSTANT = Pattern.compile("MSL_ATTR_function_constant\\(\\s*(\\d+)\\s*\\)");

    private ShaderRewriter() {}

    /** A rule of this project's shaders is broken. */
    static final class RejectedException extends Exception {
        private static final long serialVersionUID = 1L;

        RejectedException(String message) {
            super(message);
        }
    }

    /** The shader as C++ for OpenCL, to be checked. */
    static String forChecking(String preprocessed) throws RejectedException {
        return attributes(preprocessed);
    }

    /** The shader as C++, to be compiled for the CPU. */
    static String forExecution(String preprocessed) throws RejectedException {
        String source = THREADGROUP_VARIABLE.matcher(preprocessed).replaceAll("${before}MSL_THREADGROUP_VARIABLE(${type}, ${name}, ${sizes});");
        Matcher other = OTHER_THREADGROUP_VARIABLE.matcher(source);
        if (other.find()) {
            throw new RejectedException("declare one threadgroup variable in a statement, without initial value: " + other.group().substring(1).strip());
        }
        source = HALF_LITERAL.matcher(attributes(source)).replaceAll("((half)$1f)");
        StringBuilder out = new StringBuilder(source).append("\n#line 1 \"entries\"\n");
        for (String kernel : kernels(source)) {
            out.append("extern \"C\" void msl_entry_").append(kernel).append("() { ").append(kernel).append("(); }\n");
        }
        return out.append("extern \"C\" const char msl_function_constants[] = \"").append(functionConstants(source)).append("\";\n").toString();
    }

    private static String attributes(String source) throws RejectedException {
        if (TEMPLATED_KERNEL.matcher(source).find()) {
            throw new RejectedException("a kernel is a template: give each instance a kernel of its own that calls a template function");
        }
        // With a space, since macros of the shader may have joined a name and an attribute.
        return ATTRIBUTE.matcher(source).replaceAll(match -> " MSL_ATTR_" + match.group(1)
                + "(" + (match.group(2) == null ? "" : Matcher.quoteReplacement(match.group(2))) + ")");
    }

    /** Names of the kernels in a rewritten source. */
    static List<String> kernels(String source) {
        List<String> names = new ArrayList<>();
        KERNEL.matcher(source).results().forEach(match -> names.add(match.group(1)));
        return names;
    }

    private static String functionConstants(String source) {
        Set<String> indices = new LinkedHashSet<>();
        FUNCTION_CONSTANT.matcher(source).results().forEach(match -> indices.add(match.group(1) + ","));
        return String.join("", indices);
    }
}
