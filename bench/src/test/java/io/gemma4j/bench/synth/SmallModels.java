package io.gemma4j.bench.synth;

import io.gemma4j.quantize.TypeMix;
import java.io.IOException;
import java.nio.file.Path;

/** Models with the structure of the published ones, small enough for tests. */
public final class SmallModels {
    /** Number of tokens. */
    public static final int VOCABULARY = 2048;

    private SmallModels() {}

    /** All that makes the preset special, but narrow; rows that are no whole blocks of 256 stay so. */
    static Architecture narrow(Preset preset, int layers) {
        Architecture a = preset.architecture().layers(layers);
        return new Architecture(a.name(), a.layerCount(), 256, a.heads() / 4, Math.max(1, a.slidingKvHeads() / 4), Math.max(1, a.fullKvHeads() / 4),
                a.slidingHeadDim(), a.fullHeadDim(), a.experts() > 0 ? 352 : 512, a.feedForward() == a.sharingFeedForward() ? 512 : 1024, 32, a.period(),
                a.sharingLayers(), a.perLayerWidth(), a.experts() / 8, Math.min(a.experts() / 8, 4), a.experts() > 0 ? 352 : 0, a.valueIsKey(), 4096);
    }

    /** Writes one. */
    public static Path write(Preset preset, int layers, TypeMix mix, Path folder) throws IOException {
        Path path = folder.resolve(preset + "-" + mix + ".gguf");
        SyntheticModel.write(narrow(preset, layers), mix, VOCABULARY, path);
        return path;
    }
}
