package io.gemma4j.model;

import io.gemma4j.backend.Activations;
import io.gemma4j.backend.LayerScratch;
import io.gemma4j.backend.ModelBackend;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;

/** The activations of a decoder, shared by all layers and all sequences. */
final class DecoderScratch {
    /** Logits of several rows are computed together as long as they take no more than this many floats. */
    private static final int LOGIT_FLOATS = 1 << 20;

    final Activations hidden;
    final Activations normed;
    final Activations perLayerInputs;
    final Activations perLayerTokenPart;
    final Activations logits;
    final List<LayerScratch> layers;

    DecoderScratch(Gemma4Config config, ModelBackend backend, int maxRows) {
        Widths widths = Widths.of(config);
        hidden = backend.allocateActivations(maxRows, config.hidden());
        normed = backend.allocateActivations(maxRows, config.hidden());
        Activations query = backend.allocateActivations(maxRows, widths.queries);
        Activations attended = backend.allocateActivations(maxRows, widths.queries);
        Activations key = backend.allocateActivations(maxRows, widths.keys);
        Activations value = backend.allocateActivations(maxRows, widths.keys);
        Activations gateUp = backend.allocateActivations(maxRows, 2 * widths.feedForward);
        Activations blockOut = backend.allocateActivations(maxRows, config.hidden());
        boolean perLayer = config.perLayerWidth() > 0;
        perLayerInputs = perLayer ? backend.allocateActivations(maxRows, widths.perLayer) : null;
        perLayerTokenPart = perLayer ? backend.allocateActivations(maxRows, widths.perLayer) : null;
        Activations perLayerGate = perLayer ? backend.allocateActivations(maxRows, config.perLayerWidth()) : null;
        LayerScratch.ExpertScratch experts = config.experts() > 0 ? experts(config, backend, maxRows) : null;
        logits = backend.allocateActivations(logitRows(config, maxRows), config.vocabulary());
        List<LayerScratch> views = new ArrayList<>();
        for (Gemma4Config.Layer layer : config.layers()) {
            int queries = layer.heads() * layer.headDim();
            int keys = layer.kvHeads() * layer.headDim();
            int width = layer.feedForward();
            Activations gateAndUp = gateUp.columns(0, 2 * width);
            views.add(new LayerScratch(hidden, normed, query.columns(0, queries), key.columns(0, keys), value.columns(0, keys),
                    attended.columns(0, queries), gateAndUp, gateAndUp.columns(0, width), gateAndUp.columns(width, width), blockOut,
                    perLayer ? perLayerInputs.columns(layer.index() * config.perLayerWidth(), config.perLayerWidth()) : null, perLayerGate,
                    experts));
        }
        layers = List.copyOf(views);
    }

    private static LayerScratch.ExpertScratch experts(Gemma4Config config, ModelBackend backend, int maxRows) {
        int slots = maxRows * config.expertsUsed();
        Activations gateUp = backend.allocateActivations(slots, 2 * config.expertWidth());
        return new LayerScratch.ExpertScratch(backend.allocateActivations(maxRows, config.experts()),
                backend.allocateRouting(maxRows, config.expertsUsed()), gateUp, gateUp.columns(0, config.expertWidth()),
                gateUp.columns(config.expertWidth(), config.expertWidth()), backend.allocateActivations(slots, config.hidden()),
                backend.allocateActivations(maxRows, config.hidden()));
    }

    private static int logitRows(Gemma4Config config, int maxRows) {
        return Math.clamp(LOGIT_FLOATS / config.vocabulary(), 1, maxRows);
    }

    /** Bytes of everything allocated for one row, the logits aside. */
    static long bytesPerRow(Gemma4Config config) {
        Widths widths = Widths.of(config);
        long floats = 3L * config.hidden() + 2L * widths.queries + 2L * widths.keys + 2L * widths.feedForward + 2L * widths.perLayer
                + config.perLayerWidth();
        if (config.experts() > 0) {
            floats += config.experts() + config.hidden() + (long) config.expertsUsed() * (2L * config.expertWidth() + config.hidden() + 2);
        }
        return floats * Float.BYTES;
    }

    /** Bytes of everything allocated for {@code maxRows} rows. */
    static long bytes(Gemma4Config config, int maxRows) {
        return maxRows * bytesPerRow(config) + (long) logitRows(config, maxRows) * config.vocabulary() * Float.BYTES;
    }

    private record Widths(int queries, int keys, int feedForward, int perLayer) {

        static Widths of(Gemma4Config config) {
            return new Widths(widest(config, layer -> layer.heads() * layer.headDim()), widest(config, layer -> layer.kvHeads() * layer.headDim()),
                    widest(config, Gemma4Config.Layer::feedForward), config.layers().size() * config.perLayerWidth());
        }

        private static int widest(Gemma4Config config, ToIntFunction<Gemma4Config.Layer> width) {
            return config.layers().stream().mapToInt(width).max().orElseThrow();
        }
    }
}
