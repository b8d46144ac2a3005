package io.gemma4j.bench.plot;

import io.gemma4j.bench.measure.Report;
import io.gemma4j.bench.measure.Speed;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler.ChartTheme;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * Tokens per second over the depth of the context: a line for each engine, model and number of tokens, and, for generation, the roof, which is the
 * memory's speed divided by the bytes a token must read.
 */
public final class SpeedPlot {
    private static final int WIDTH_PIXELS = 900;
    private static final int HEIGHT_PIXELS = 540;

    /** Speeds by depth, for each line. */
    private final Map<String, SortedMap<Integer, Double>> lines = new TreeMap<>();
    private final boolean generation;

    private SpeedPlot(boolean generation) {
        this.generation = generation;
    }

    /**
     * Draws what there is of generation and of prompts.
     *
     * @param reports of any machines and models
     * @param name the files' name without the end: {@code name.svg} and {@code name.png}, with {@code -prompts} added for prompts
     * @return the files
     * @throws IOException if one cannot be written
     */
    public static List<Path> write(List<Report> reports, Path name) throws IOException {
        List<Path> files = new ArrayList<>();
        for (boolean generation : new boolean[] {true, false}) {
            SpeedPlot plot = new SpeedPlot(generation);
            reports.forEach(plot::add);
            if (!plot.lines.isEmpty()) {
                files.addAll(plot.write(generation ? name : name.resolveSibling(name.getFileName() + "-prompts")));
            }
        }
        return files;
    }

    private void add(Report report) {
        String model = report.model().file().replaceFirst("\\.gguf$", "");
        for (Speed speed : report.speeds()) {
            if (speed.generates() == generation) {
                // Depth is the axis: only what stands before it in the test's name tells lines apart.
                String test = (generation ? "tg" : "pp") + speed.tokens();
                put(speed.engine() + " " + model + " " + test, speed.depth(), speed.tokensPerSecond());
                if (speed.bytesPerToken() != null && report.readGigabytesPerSecond() != null) {
                    put("roof " + model, speed.depth(), report.readGigabytesPerSecond() * 1e9 / speed.bytesPerToken());
                }
            }
        }
    }

    private void put(String line, int depth, double tokensPerSecond) {
        // Of several runs, the fastest.
        lines.computeIfAbsent(line, key -> new TreeMap<>()).merge(depth, tokensPerSecond, Math::max);
    }

    private List<Path> write(Path name) throws IOException {
        XYChart chart = new XYChartBuilder().width(WIDTH_PIXELS).height(HEIGHT_PIXELS).theme(ChartTheme.Matlab)
                .title(generation ? "Generation" : "Prompt processing").xAxisTitle("tokens in the context before")
                .yAxisTitle("tokens per second").build();
        chart.getStyler().setYAxisMin(0.0).setLegendPosition(LegendPosition.OutsideS);
        lines.forEach((line, points) -> chart.addSeries(line, List.copyOf(points.keySet()), List.copyOf(points.values())).setMarker(
                line.startsWith("roof") ? SeriesMarkers.DIAMOND : SeriesMarkers.CIRCLE));
        Path svg = name.resolveSibling(name.getFileName() + ".svg");
        Path png = name.resolveSibling(name.getFileName() + ".png");
        try (OutputStream out = Files.newOutputStream(svg)) {
            VectorGraphicsEncoder.saveVectorGraphic(chart, out, VectorGraphicsFormat.SVG);
        }
        try (OutputStream out = Files.newOutputStream(png)) {
            BitmapEncoder.saveBitmap(chart, out, BitmapFormat.PNG);
        }
        return List.of(svg, png);
    }
}
