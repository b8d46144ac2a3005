package io.gemma4j;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A prompt was processed. */
@Name("io.gemma4j.Prefill")
@Label("Prefill")
@Category("Gemma4j")
@Description("A prompt was processed")
@StackTrace(false)
final class PrefillEvent extends Event {
    @Label("Tokens")
    int tokens;
}
