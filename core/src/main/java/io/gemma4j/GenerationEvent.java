package io.gemma4j;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A generation ended. */
@Name("io.gemma4j.Generation")
@Label("Generation")
@Category("Gemma4j")
@Description("A generation ended")
@StackTrace(false)
final class GenerationEvent extends Event {
    @Label("Prompt Tokens")
    int promptTokens;

    @Label("Generated Tokens")
    int generatedTokens;

    @Label("Finish Reason")
    String finishReason;
}
