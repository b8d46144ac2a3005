package io.gemma4j.springai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.gemma4j.Gemma4;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

class Gemma4ConditionsTest {
    private static final String MODEL = "gemma4j.model.path=target/test-classes/tiny.gguf";

    private final ApplicationContextRunner application =
            new ApplicationContextRunner().withConfiguration(AutoConfigurations.of(Gemma4AutoConfiguration.class));

    @Test
    void withoutAPathThereIsNoModel() {
        application.run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(Gemma4.class).doesNotHaveBean(Gemma4ChatModel.class));
    }

    @Test
    void theChatCanBeLeftToAnotherModel() {
        application.withPropertyValues(MODEL, "spring.ai.model.chat=openai")
                .run(context -> assertThat(context).hasSingleBean(Gemma4.class).doesNotHaveBean(Gemma4ChatModel.class));
    }

    @Test
    void aModelOfTheApplicationIsKept() throws Exception {
        try (Gemma4 own = Gemma4.load(Path.of("target/test-classes/tiny.gguf"))) {
            application.withBean(Gemma4.class, () -> own).withPropertyValues("gemma4j.model.path=nowhere.gguf")
                    .run(context -> assertThat(context).getBean(Gemma4.class).isSameAs(own));
        }
    }

    @Test
    void theModelIsClosedWithTheApplication() {
        AtomicReference<Gemma4> model = new AtomicReference<>();
        application.withPropertyValues(MODEL).run(context -> model.set(context.getBean(Gemma4.class)));
        assertThat(catchThrowable(() -> model.get().newSession())).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aFileThatIsMissingIsNamed() {
        application.withPropertyValues("gemma4j.model.path=nowhere.gguf")
                .run(context -> assertThat(context).getFailure().rootCause().hasMessageContaining("nowhere.gguf"));
    }
}
