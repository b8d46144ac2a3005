package io.gemma4j.bench.synth;

import java.util.ArrayList;
import java.util.List;

/**
 * The shape of a model, whatever its number of layers.
 *
 * @param name for {@code general.name}
 * @param layerCount number of layers
 * @param hidden width of the residual
 * @param heads query heads
 * @param slidingKvHeads key/value heads of sliding layers
 * @param fullKvHeads key/value heads of full layers
 * @param slidingHeadDim elements of a head in sliding layers
 * @param fullHeadDim elements of a head in full layers
 * @param feedForward inner width of the feed-forward block
 * @param sharingFeedForward the same in layers that use another's keys and values
 * @param window positions a sliding layer sees
 * @param period layers from one full layer to the next
 * @param sharingLayers layers at the end that use another's keys and values
 * @param perLayerWidth elements of a per-layer embedding, 0 for none
 * @param experts routed experts of a layer, 0 for none
 * @param expertsUsed experts each token goes to
 * @param expertWidth inner width of one expert
 * @param valueIsKey whether full layers have no values but their keys
 * @param contextTokens longest context
 */
record Architecture(String name, int layerCount, int hidden, int heads, int slidingKvHeads, int fullKvHeads, int slidingHeadDim, int fullHeadDim,
        int feedForward, int sharingFeedForward, int window, int period, int sharingLayers, int perLayerWidth, int experts, int expertsUsed,
        int expertWidth, boolean valueIsKey, int contextTokens) {

    /** One layer of it. */
    record Layer(int index, boolean sliding, boolean ownsKv, int kvHeads, int headDim, int feedForward) {}

    /**
     * The same with another number of layers: the same share of them, rounded, uses others' keys and values, and there are layers enough before
     * them to own some of each kind.
     */
    Architecture layers(int count) {
        int sharing = (int) Math.round((double) count * sharingLayers / layerCount);
        sharing = Math.min(sharing, count - Math.min(2, (count + 1) / 2));
        return new Architecture(name, count, hidden, heads, slidingKvHeads, fullKvHeads, slidingHeadDim, fullHeadDim, feedForward, sharingFeedForward,
                window, period, sharing, perLayerWidth, experts, expertsUsed, expertWidth, valueIsKey, contextTokens);
    }

    /** The layers. The last one that owns keys and values is full, so is the last of all, and from there back every {@link #period}th. */
    List<Layer> layers() {
        List<Layer> layers = new ArrayList<>();
        int owning = layerCount - sharingLayers;
        for (int i = 0; i < layerCount; i++) {
            boolean owns = i < owning;
            boolean sliding = ((owns ? owning : layerCount) - 1 - i) % period != 0;
            layers.add(new Layer(i, sliding, owns, sliding ? slidingKvHeads : fullKvHeads, sliding ? slidingHeadDim : fullHeadDim,
                    owns ? feedForward : sharingFeedForward));
        }
        return layers;
    }
}
