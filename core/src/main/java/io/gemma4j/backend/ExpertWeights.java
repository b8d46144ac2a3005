package io.gemma4j.backend;

/**
 * Weights of the routed experts of a layer.
 *
 * @param routerNorm scale of the router's input, {@code 1 / sqrt(hidden)} folded in
 * @param router {@code [experts][hidden]}
 * @param norm before the experts' projections
 * @param gateUp for each expert its gate rows, then its up rows; null where they are apart
 * @param gate for each expert its gate rows; null where joined
 * @param up for each expert its up rows; null where joined
 * @param down for each expert {@code [hidden][width]}
 * @param scale of each expert's output {@code [experts]}
 * @param sharedPostNorm of the result of the feed-forward part that every token takes
 * @param postNorm of the experts' sum
 */
public record ExpertWeights(Weight routerNorm, Weight router, Weight norm, Weight gateUp, Weight gate, Weight up, Weight down,
        Weight scale, Weight sharedPostNorm, Weight postNorm) {}
