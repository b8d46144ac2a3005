package io.gemma4j.examples.server;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gemma4j.ModelInfo;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.time.Instant;
import java.util.List;

/** {@code GET /v1/models} and {@code /v1/models/NAME}: what there is. Thread-safe. */
final class Models {
    private final List<String> names;
    private final ModelInfo info;
    private final long created = Instant.now().getEpochSecond();

    Models(List<String> names, ModelInfo info) {
        this.names = names;
        this.info = info;
    }

    void list(ServerRequest request, ServerResponse response) {
        ObjectNode list = RequestObject.newObject().put("object", "list");
        ArrayNode data = list.putArray("data");
        names.forEach(name -> data.add(describe(name)));
        send(response, list);
    }

    void one(ServerRequest request, ServerResponse response) {
        String name = request.path().pathParameters().get("name");
        if (names.contains(name)) {
            send(response, describe(name));
        } else {
            Exchange.send(response, new ApiError(404, "invalid_request_error", "model", "model_not_found",
                    "there is no model \"" + name + "\" here"));
        }
    }

    private ObjectNode describe(String name) {
        ObjectNode model = RequestObject.newObject().put("id", name).put("object", "model").put("created", created).put("owned_by", "gemma4j");
        model.putObject("meta").put("name", info.name()).put("context_tokens", info.contextTokens()).put("parameters", info.parameters())
                .put("backend", info.backend());
        return model;
    }

    private static void send(ServerResponse response, ObjectNode json) {
        response.header(HeaderNames.CONTENT_TYPE, "application/json");
        response.send(RequestObject.bytes(json));
    }
}
