package io.gemma4j.examples.hub;

import java.io.FileNotFoundException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Which of a repository's files a reference means. */
final class GgufChoice {
    /** What is taken where the reference does not say: small, and nearly as good as the whole. */
    private static final List<String> PREFERRED = List.of("Q4_K_M", "Q4_0", "Q8_0");
    private static final Pattern PART = Pattern.compile("-(\\d{5})-of-(\\d{5})\\.gguf$", Pattern.CASE_INSENSITIVE);
    private static final String SUFFIX = ".gguf";

    private GgufChoice() {}

    /**
     * The files of one model, all parts of a split one, the first of them first.
     *
     * @param names of all files
     * @throws FileNotFoundException if none or more than one model fits; lists what there is
     */
    static List<String> choose(HubReference reference, List<String> names) throws FileNotFoundException {
        SortedMap<String, List<String>> models = new TreeMap<>();
        names.stream().sorted().filter(name -> name.toLowerCase(Locale.ROOT).endsWith(SUFFIX) && !isCompanion(name))
                .forEach(name -> models.merge(modelName(name), List.of(name), GgufChoice::joined));
        List<String> wanted = reference.quant().map(List::of).orElse(PREFERRED);
        for (String quant : wanted) {
            Optional<String> exact = models.keySet().stream().filter(model -> model.equals(quant) || model.equals(withoutSuffix(quant))).findFirst();
            List<String> fitting = exact.map(List::of).orElseGet(() -> models.keySet().stream().filter(model -> isOf(model, quant)).toList());
            if (fitting.size() == 1) {
                return complete(reference, models.get(fitting.getFirst()));
            }
            if (fitting.size() > 1) {
                throw new FileNotFoundException(reference.repository() + ": expected one GGUF file for " + quant + ", found " + String.join(", ", fitting));
            }
        }
        if (reference.quant().isEmpty() && models.size() == 1) {
            return complete(reference, models.get(models.firstKey()));
        }
        throw new FileNotFoundException(reference.repository() + ": expected a GGUF file for " + String.join(" or ", wanted) + ", found "
                + (models.isEmpty() ? "no GGUF file" : String.join(", ", models.keySet())));
    }

    // Encoders of pictures and drafters are files of their own that no model can do without its model.
    private static boolean isCompanion(String name) {
        String base = name.substring(name.lastIndexOf('/') + 1).toLowerCase(Locale.ROOT);
        return base.contains("mmproj") || base.contains("imatrix") || base.contains("assistant");
    }

    private static String modelName(String name) {
        return withoutSuffix(PART.matcher(name).replaceFirst(SUFFIX));
    }

    private static String withoutSuffix(String name) {
        return name.toLowerCase(Locale.ROOT).endsWith(SUFFIX) ? name.substring(0, name.length() - SUFFIX.length()) : name;
    }

    // Q4_K is not Q4_K_M: what stands beside it must be no letter, digit or underscore.
    private static boolean isOf(String model, String quant) {
        return Pattern.compile("(?<![A-Za-z0-9_])" + Pattern.quote(quant) + "(?![A-Za-z0-9_])", Pattern.CASE_INSENSITIVE).matcher(model).find();
    }

    private static List<String> joined(List<String> some, List<String> more) {
        return Stream.concat(some.stream(), more.stream()).toList();
    }

    private static List<String> complete(HubReference reference, List<String> parts) throws FileNotFoundException {
        Matcher part = PART.matcher(parts.getFirst());
        int expected = part.find() ? Integer.parseInt(part.group(2)) : 1;
        if (parts.size() != expected) {
            throw new FileNotFoundException(reference.repository() + ": expected " + expected + " parts of " + modelName(parts.getFirst()) + ", found " + parts.size());
        }
        return parts;
    }
}
