package io.gemma4j.examples.server;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** A request that is not answered, in the form in which OpenAI's API says so. */
final class ApiError extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private static final String INVALID_REQUEST = "invalid_request_error";
    private static final String SERVER_ERROR = "server_error";
    private static final int RETRY_SECONDS = 1;

    private final int status;
    private final String type;
    private final String field;
    private final String code;

    ApiError(int status, String type, String field, String code, String message) {
        super(message, null, false, false);
        this.status = status;
        this.type = type;
        this.field = field;
        this.code = code;
    }

    /** A field that is not as it has to be; {@code field} is its path, as in {@code messages[1].content}. */
    static ApiError invalid(String field, String message) {
        return new ApiError(400, INVALID_REQUEST, field, "invalid_value", message);
    }

    static ApiError unsupported(String field, String message) {
        return new ApiError(400, INVALID_REQUEST, field, "unsupported_value", message);
    }

    /** Something is wrong with the request as a whole. */
    static ApiError request(int status, String code, String message) {
        return new ApiError(status, INVALID_REQUEST, null, code, message);
    }

    static ApiError contextLength(String field, String message) {
        return new ApiError(400, INVALID_REQUEST, field, "context_length_exceeded", message);
    }

    static ApiError queueFull(int length) {
        return new ApiError(429, "rate_limit_error", null, "queue_full", "all slots are busy and " + length
                + " requests are waiting; try again later");
    }

    static ApiError stopping() {
        return new ApiError(503, SERVER_ERROR, null, "stopping", "the server is stopping");
    }

    static ApiError noSlotInTime(long seconds) {
        return new ApiError(503, SERVER_ERROR, null, "busy", "no slot became free within " + seconds + " seconds; try again later");
    }

    static ApiError timeout(long seconds) {
        return new ApiError(504, SERVER_ERROR, null, "timeout", "the answer did not begin within " + seconds + " seconds");
    }

    static ApiError malformedCall() {
        return new ApiError(500, SERVER_ERROR, null, "malformed_tool_call", "the model wrote a tool call that cannot be read");
    }

    static ApiError internal() {
        return new ApiError(500, SERVER_ERROR, null, "internal_error", "the server failed; its log says why");
    }

    int status() {
        return status;
    }

    String field() {
        return field;
    }

    /** Seconds after which trying again makes sense; 0 if it does not. */
    int retryAfterSeconds() {
        return status == 429 || status == 503 ? RETRY_SECONDS : 0;
    }

    ObjectNode json() {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        root.putObject("error").put("message", getMessage()).put("type", type).put("param", field).put("code", code);
        return root;
    }
}
