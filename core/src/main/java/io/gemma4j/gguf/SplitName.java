package io.gemma4j.gguf;

import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The name of one file of a model that is split over several: {@code prefix-00001-of-00003.gguf}.
 *
 * @param folderAndPrefix the path up to the number
 * @param number counts from 1
 * @param count files in all
 */
record SplitName(Path folderAndPrefix, int number, int count) {
    static final String NUMBER_KEY = "split.no";
    static final String COUNT_KEY = "split.count";
    static final String TENSORS_KEY = "split.tensors.count";

    /** What a file says of its place in a split model. */
    static final Set<String> KEYS = Set.of(NUMBER_KEY, COUNT_KEY, TENSORS_KEY);

    private static final Pattern PATTERN = Pattern.compile("(.+)-(\\d{5})-of-(\\d{5})\\.gguf");

    /** The parts of the path's name, if it has that form. */
    static Optional<SplitName> of(Path path) {
        Matcher matcher = PATTERN.matcher(path.getFileName().toString());
        if (!matcher.matches()) {
            return Optional.empty();
        }
        int number = Integer.parseInt(matcher.group(2));
        int count = Integer.parseInt(matcher.group(3));
        return number >= 1 && number <= count ? Optional.of(new SplitName(path.resolveSibling(matcher.group(1)), number, count)) : Optional.empty();
    }

    /** The path of the file with that number. */
    Path sibling(int siblingNumber) {
        return folderAndPrefix.resolveSibling("%s-%05d-of-%05d.gguf".formatted(folderAndPrefix.getFileName(), siblingNumber, count));
    }
}
