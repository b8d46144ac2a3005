package io.gemma4j.tokenizer;

import io.gemma4j.gguf.GgufMetadata;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Byte pair encoding the slow way, straight from its definition: search the whole text for the best merge, apply it, start over. */
final class ReferenceBpe {
    private final Map<String, Integer> ids = new HashMap<>();
    private final Map<String, Integer> ranks = new HashMap<>();

    ReferenceBpe(GgufMetadata metadata) {
        for (String token : metadata.strings("tokenizer.ggml.tokens")) {
            ids.put(token, ids.size());
        }
        for (String merge : metadata.strings("tokenizer.ggml.merges")) {
            ranks.put(merge, ranks.size());
        }
    }

    int[] encode(String text) {
        List<Integer> result = new ArrayList<>();
        for (String run : text.split("(?<=\n)(?!\n)|(?<!\n)(?=\n)")) {
            if (run.startsWith("\n") && ids.containsKey(run)) {
                result.add(ids.get(run));
            } else {
                merge(symbols(run)).forEach(symbol -> result.add(ids.get(symbol)));
            }
        }
        return result.stream().mapToInt(Integer::intValue).toArray();
    }

    private List<String> symbols(String run) {
        List<String> symbols = new ArrayList<>();
        run.codePoints().mapToObj(Character::toString).forEach(character -> {
            if (character.equals(" ")) {
                symbols.add("\u2581");
            } else if (ids.containsKey(character) && !character.equals("\u2581")) {
                symbols.add(character);
            } else {
                for (byte b : character.getBytes(StandardCharsets.UTF_8)) {
                    symbols.add("<0x%02X>".formatted(b));
                }
            }
        });
        return symbols;
    }

    private List<String> merge(List<String> symbols) {
        while (true) {
            int best = -1;
            int bestRank = Integer.MAX_VALUE;
            for (int i = 0; i + 1 < symbols.size(); i++) {
                int rank = ranks.getOrDefault(symbols.get(i) + " " + symbols.get(i + 1), Integer.MAX_VALUE);
                if (rank < bestRank) {
                    best = i;
                    bestRank = rank;
                }
            }
            if (best < 0) {
                return symbols;
            }
            symbols.set(best, symbols.get(best) + symbols.remove(best + 1));
        }
    }
}
