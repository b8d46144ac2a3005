package io.gemma4j;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** One token went through the model. */
@Name("io.gemma4j.DecodeStep")
@Label("Decode Step")
@Category("Gemma4j")
@Description("One token went through the model")
@StackTrace(false)
final class DecodeStepEvent extends Event {
    @Label("Position")
    int position;
}
