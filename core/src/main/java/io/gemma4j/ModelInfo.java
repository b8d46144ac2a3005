package io.gemma4j;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * What is known of a loaded model.
 *
 * @param name the name in the file
 * @param architecture the architecture in the file
 * @param parameters number of weights
 * @param fileBytes size of the file, or of all its parts
 * @param tensorTypes number of tensors of each storage type
 * @param layers number of layers
 * @param vocabulary number of tokens
 * @param trainedContextTokens the longest context the model was made for
 * @param contextTokens tokens a session can hold
 * @param backend where it runs, in words
 */
public record ModelInfo(String name, String architecture, long parameters, long fileBytes, Map<String, Integer> tensorTypes, int layers,
        int vocabulary, int trainedContextTokens, int contextTokens, String backend) {

    /** Copies the map. */
    public ModelInfo {
        tensorTypes = Collections.unmodifiableMap(new TreeMap<>(tensorTypes));
    }
}
