package io.gemma4j;

/** How the hidden states of a text's tokens become one vector. */
public enum Pooling {
    /** Their mean. */
    MEAN,
    /** That of the last token. */
    LAST
}
