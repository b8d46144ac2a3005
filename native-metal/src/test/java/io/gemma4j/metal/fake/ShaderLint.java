package io.gemma4j.metal.fake;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds what clang accepts and Metal does not, in clang's dump of a shader's syntax tree: pointers without address space, recursion, lambdas,
 * inheritance and the like; and kernels whose attributes do not go together.
 */
final class ShaderLint {
    /** Declared where the shader begins, after what stands in for the standard library. */
    static final String BEGIN = "msl_shader_begins";

    private static final Pattern NODE = Pattern.compile("^([ |`]*-)?(\\w+) (0x[0-9a-f]+) (?:parent 0x\\w+ |prev 0x\\w+ )*<(.*?)> ?(.*)$");
    private static final Pattern BASE_CLASS = Pattern.compile("^[ |`]*-(public|private|protected) '");
    private static final Pattern LINE = Pattern.compile("(?:line|[\\w./-]+\\.(?:metal|h)):(\\d+)");
    private static final Pattern CALLED = Pattern.compile(" Function (0x\\w+)");
    private static final Pattern GENERIC_POINTER = Pattern.compile("'[^']*__generic[^']*[*]");
    private static final Set<String> DECLARATIONS = Set.of("VarDecl", "ParmVarDecl", "FieldDecl", "FunctionDecl", "TypedefDecl", "TypeAliasDecl");
    private static final Set<String> METHODS = Set.of("CXXMethodDecl", "CXXConstructorDecl", "CXXDestructorDecl");
    private static final Set<String> POINTER_CASTS = Set.of("CStyleCastExpr", "CXXReinterpretCastExpr", "CXXStaticCastExpr");
    private static final Set<String> VALUE_CASTS = Set.of("CStyleCastExpr", "CXXFunctionalCastExpr");
    private static final Set<String> FORBIDDEN =
            Set.of("GotoStmt", "LambdaExpr", "GCCAsmStmt", "CXXNewExpr", "CXXThrowExpr", "CXXTypeidExpr", "CXXDynamicCastExpr");
    private static final Pattern KERNEL = Pattern.compile("\\bkernel\\s+void\\s+(\\w+)\\s*\\(");
    private static final Pattern POSITION = Pattern.compile("\\bu(?:int|short)(\\d?)\\s+\\w+\\s+MSL_ATTR_"
            + "(?:thread_position_in_\\w+|threads_per_(?:grid|threadgroup)|threadgroup_position_in_grid|threadgroups_per_grid)\\(\\)");

    private final List<String> findings = new ArrayList<>();
    private final Deque<Node> parents = new ArrayDeque<>();
    private final Map<String, String> functionLines = new HashMap<>();
    private final Map<String, Set<String>> calls = new LinkedHashMap<>();
    private String line = "?";

    private ShaderLint() {}

    private record Node(int depth, String kind, String address) {}

    /**
     * What is wrong, one line each.
     *
     * @param dump {@code -ast-dump} of the rewritten shader
     * @param rewritten the shader as clang saw it
     */
    static List<String> findings(String dump, String rewritten) {
        ShaderLint lint = new ShaderLint();
        dump.lines().dropWhile(each -> !each.contains(BEGIN)).skip(1).forEach(lint::visit);
        lint.findRecursion();
        lint.checkKernels(rewritten);
        return lint.findings;
    }

    private void report(String what) {
        findings.add("line " + line + ": " + what);
    }

    private void visit(String text) {
        Matcher node = NODE.matcher(text);
        if (!node.matches()) {
            if (BASE_CLASS.matcher(text).find()) {
                report("a class inherits from another");
            }
            return;
        }
        int depth = node.group(1) == null ? 0 : node.group(1).length();
        String kind = node.group(2);
        String rest = node.group(5);
        Matcher position = LINE.matcher(node.group(4));
        if (position.find()) {
            line = position.group(1);
        }
        while (!parents.isEmpty() && parents.peek().depth() >= depth) {
            parents.pop();
        }
        if (kind.equals("FunctionDecl") || METHODS.contains(kind)) {
            functionLines.put(node.group(3), line);
        }
        if (kind.equals("DeclRefExpr")) {
            recordCall(rest);
        }
        checkTypes(kind, rest);
        if (FORBIDDEN.contains(kind)) {
            report(kind + " is not part of the language");
        }
        parents.push(new Node(depth, kind, node.group(3)));
    }

    private void recordCall(String rest) {
        Matcher called = CALLED.matcher(rest);
        if (called.find()) {
            parents.stream().filter(node -> node.kind().equals("FunctionDecl") || node.kind().equals("CXXMethodDecl")).findFirst()
                    .ifPresent(caller -> calls.computeIfAbsent(caller.address(), _ -> new HashSet<>()).add(called.group(1)));
        }
    }

    private void checkTypes(String kind, String rest) {
        boolean inMethod = parents.stream().anyMatch(node -> METHODS.contains(node.kind()));
        // What an unqualified pointer or reference is to C++ for OpenCL.
        boolean generic = rest.contains("__generic");
        if (DECLARATIONS.contains(kind) && generic && !rest.contains("msl::") && !inMethod) {
            report("a pointer or reference has no address space: " + rest);
        }
        if (POINTER_CASTS.contains(kind) && GENERIC_POINTER.matcher(rest).find()) {
            report("a cast to a pointer without address space: " + rest);
        }
        if (METHODS.contains(kind) && generic && !rest.replace("implicit-inline", "").contains("implicit")) {
            report("a member function has no address space: " + rest);
        }
        if (rest.contains("__int128")) {
            report("__int128 is not part of the language");
        }
        String castTo = rest.contains("<") ? rest.substring(0, rest.indexOf('<')) : rest;
        if (VALUE_CASTS.contains(kind) && rest.contains("<BitCast>") && !castTo.contains("*") && !castTo.contains("&")) {
            report("a cast of a vector keeps the bits here and converts in Metal, write T4(x) or as_type: " + rest);
        }
    }

    private void findRecursion() {
        for (String function : calls.keySet()) {
            if (reachable(function).contains(function)) {
                line = functionLines.getOrDefault(function, "?");
                report("a function calls itself");
            }
        }
    }

    private Set<String> reachable(String function) {
        Set<String> seen = new HashSet<>();
        Deque<String> open = new ArrayDeque<>(List.of(function));
        while (!open.isEmpty()) {
            for (String called : calls.getOrDefault(open.pop(), Set.of())) {
                if (seen.add(called)) {
                    open.push(called);
                }
            }
        }
        return seen;
    }

    private void checkKernels(String source) {
        Matcher kernel = KERNEL.matcher(source);
        while (kernel.find()) {
            String parameters = parameters(source, kernel.end());
            for (String kind : List.of("buffer", "threadgroup")) {
                List<String> indices = Pattern.compile("MSL_ATTR_" + kind + "\\((\\w+)\\)").matcher(parameters).results()
                        .map(match -> match.group(1)).toList();
                if (new HashSet<>(indices).size() < indices.size()) {
                    findings.add("kernel " + kernel.group(1) + ": an index of [[" + kind + "(n)]] is used twice");
                }
            }
            if (POSITION.matcher(parameters).results().map(match -> match.group(1)).distinct().count() > 1) {
                findings.add("kernel " + kernel.group(1) + ": positions in the grid have different numbers of dimensions");
            }
        }
    }

    private static String parameters(String source, int start) {
        int depth = 1;
        int end = start;
        while (depth > 0 && end < source.length()) {
            char c = source.charAt(end++);
            depth += c == '(' ? 1 : c == ')' ? -1 : 0;
        }
        return source.substring(start, end);
    }
}
