package io.gemma4j.examples.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gemma4j.chat.Json;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * A JSON object of a request. What is read from it is checked, and what is wrong is refused by its path; null is the same as nothing.
 *
 * @param node the object
 * @param path where it stands in the request; empty for the request itself
 */
record RequestObject(JsonNode node, String path) {
    private static final ObjectMapper JSON = JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

    /** Reads the body of a request. */
    static RequestObject parse(byte[] body) throws IOException {
        JsonNode root;
        try {
            root = JSON.readTree(body);
        } catch (JsonProcessingException e) {
            String place = e.getLocation() == null ? "" : " in line " + e.getLocation().getLineNr() + ", column " + e.getLocation().getColumnNr();
            throw ApiError.request(400, "invalid_json", "the body is no JSON: " + reason(e) + place);
        }
        if (root == null || !root.isObject()) {
            throw ApiError.request(400, "invalid_json", "the body must be a JSON object");
        }
        return new RequestObject(root, "");
    }

    // Without Jackson's names of its own classes and settings.
    private static String reason(JsonProcessingException e) {
        return e instanceof MismatchedInputException ? "expected one object, found something after it"
                : e.getOriginalMessage().replaceAll(" \\(start marker at [^)]*\\)[^)]*\\)|[:,] (enable `|from `)[^`]*`( to allow)?", "");
    }

    /** What is wrong with a field, after its name. */
    ApiError invalid(String name, String rule) {
        return ApiError.invalid(pathOf(name), pathOf(name) + " " + rule);
    }

    String pathOf(String name) {
        return path.isEmpty() ? name : path + "." + name;
    }

    private JsonNode value(String name) {
        JsonNode value = node.get(name);
        return value == null || value.isNull() ? null : value;
    }

    boolean has(String name) {
        return value(name) != null;
    }

    JsonNode required(String name) {
        if (!has(name)) {
            throw invalid(name, "is required");
        }
        return value(name);
    }

    Optional<String> string(String name) {
        JsonNode value = value(name);
        if (value != null && !value.isTextual()) {
            throw invalid(name, "must be a string");
        }
        return Optional.ofNullable(value).map(JsonNode::textValue);
    }

    String requiredString(String name) {
        required(name);
        return string(name).orElseThrow();
    }

    boolean flag(String name, boolean absent) {
        JsonNode value = value(name);
        if (value != null && !value.isBoolean()) {
            throw invalid(name, "must be true or false");
        }
        return value == null ? absent : value.booleanValue();
    }

    OptionalLong integer(String name, long min, long max) {
        JsonNode value = value(name);
        if (value == null) {
            return OptionalLong.empty();
        }
        if (!value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < min || value.longValue() > max) {
            throw invalid(name, "must be an integer from " + min + " to " + max + ", was " + value);
        }
        return OptionalLong.of(value.longValue());
    }

    OptionalDouble number(String name, double min, double max) {
        JsonNode value = value(name);
        if (value == null) {
            return OptionalDouble.empty();
        }
        if (!value.isNumber() || !(value.doubleValue() >= min && value.doubleValue() <= max)) {
            throw invalid(name, "must be a number from " + min + " to " + max + ", was " + value);
        }
        return OptionalDouble.of(value.doubleValue());
    }

    Optional<RequestObject> object(String name) {
        JsonNode value = value(name);
        if (value != null && !value.isObject()) {
            throw invalid(name, "must be an object");
        }
        return Optional.ofNullable(value).map(object -> new RequestObject(object, pathOf(name)));
    }

    RequestObject requiredObject(String name) {
        required(name);
        return object(name).orElseThrow();
    }

    /** The objects of an array; none if there is no such field. */
    List<RequestObject> objects(String name) {
        JsonNode value = value(name);
        if (value != null && !value.isArray()) {
            throw invalid(name, "must be an array");
        }
        List<RequestObject> objects = new ArrayList<>();
        for (int i = 0; value != null && i < value.size(); i++) {
            if (!value.get(i).isObject()) {
                throw invalid(name + "[" + i + "]", "must be an object");
            }
            objects.add(new RequestObject(value.get(i), pathOf(name) + "[" + i + "]"));
        }
        return objects;
    }

    /** One string or an array of them; none if there is no such field. */
    List<String> strings(String name, int max) {
        JsonNode value = value(name);
        if (value == null) {
            return List.of();
        }
        if (value.isTextual()) {
            return List.of(value.textValue());
        }
        List<String> strings = new ArrayList<>();
        value.forEach(element -> strings.add(element.textValue()));
        if (!value.isArray() || strings.contains(null)) {
            throw invalid(name, "must be a string or an array of strings");
        }
        if (strings.size() > max) {
            throw invalid(name, "must hold at most " + max + " strings, had " + strings.size());
        }
        return strings;
    }

    /** What arguments of a tool may be, from JSON text: maps, lists, strings, numbers, booleans and null. */
    @SuppressWarnings("unchecked")
    Map<String, Object> map(String name) {
        String text = requiredString(name);
        try {
            if (Json.read(text.isBlank() ? "{}" : text) instanceof Map<?, ?> map) {
                return (Map<String, Object>) map;
            }
        } catch (IllegalArgumentException e) {
            // Said below.
        }
        throw invalid(name, "must be a string that holds a JSON object");
    }

    /** The same JSON without white space. */
    @Override
    public String toString() {
        return node.toString();
    }

    static ObjectNode newObject() {
        return JSON.createObjectNode();
    }

    static byte[] bytes(JsonNode node) {
        try {
            return JSON.writeValueAsBytes(node);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree of JSON nodes can always be written", e);
        }
    }
}
