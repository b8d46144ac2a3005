package io.gemma4j.bench.measure;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Everything about one run.
 *
 * @param model that was run
 * @param name of the model, as its file says
 * @param engines what ran it: name to description
 * @param threads of the processor; 0 for the default
 * @param kvType element type of the key/value cache
 * @param machine it ran on
 * @param readGigabytesPerSecond what the processor reads from memory at most; null where the model ran elsewhere
 * @param peakHeapBytes the most of the Java heap that was used
 * @param speeds the results
 */
public record Report(ModelFile model, String name, Map<String, String> engines, int threads, String kvType, Machine machine,
        Double readGigabytesPerSecond, long peakHeapBytes, List<Speed> speeds) {
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    /**
     * Writes it as JSON.
     *
     * @throws IOException if the file cannot be written
     */
    public void write(Path path) throws IOException {
        Files.write(path, JSON.writeValueAsBytes(this));
    }

    /**
     * Reads what {@link #write} wrote.
     *
     * @throws IOException if the file cannot be read, or is no such JSON; the message names it
     */
    public static Report read(Path path) throws IOException {
        try {
            return JSON.readValue(Files.readAllBytes(path), Report.class);
        } catch (JsonProcessingException e) {
            throw new IOException(path + ": expected the JSON of a run: " + e.getOriginalMessage(), e);
        }
    }
}
