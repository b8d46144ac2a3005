package io.gemma4j;

/** Why a generation ended. */
public enum FinishReason {
    /** The model ended its turn, or the answer is all that its constraint allows. */
    STOP,
    /** One of the request's stop strings or stop tokens came up; it is not part of the text. */
    STOP_SEQUENCE,
    /** The request's limit of tokens was reached. */
    MAX_TOKENS,
    /** The session can hold no more tokens. */
    CONTEXT_FULL,
    /** The model wrote a tool call that cannot be read; a chat only. */
    MALFORMED_TOOL_CALL,
    /** It was cancelled, interrupted, or its session or model was closed. */
    CANCELLED
}
