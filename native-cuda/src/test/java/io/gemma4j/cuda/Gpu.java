package io.gemma4j.cuda;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/** The tests need a GPU; where there is none they are skipped, and the report says why. */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(Gpu.Condition.class)
@interface Gpu {

    /** Asks the driver once. */
    final class Condition implements ExecutionCondition {
        private static final String OBSTACLE = obstacle();

        private static String obstacle() {
            if (CudaDriver.unavailable() != null) {
                return CudaDriver.unavailable();
            }
            try {
                CudaDevice.initialize();
                return null;
            } catch (CudaException e) {
                return e.getMessage();
            }
        }

        @Override
        public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
            return OBSTACLE == null ? ConditionEvaluationResult.enabled("there is a GPU") : ConditionEvaluationResult.disabled(OBSTACLE);
        }
    }
}
