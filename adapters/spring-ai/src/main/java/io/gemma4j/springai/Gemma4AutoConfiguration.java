package io.gemma4j.springai;

import io.gemma4j.Gemma4;
import io.micrometer.observation.ObservationRegistry;
import java.io.IOException;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;

/**
 * Loads the model that {@code gemma4j.model.path} names and makes it the application's {@link ChatModel}. An application that has a {@link Gemma4} or a
 * {@link Gemma4ChatModel} of its own keeps it; {@code spring.ai.model.chat} with another value than {@code gemma4j} leaves the chat to another model.
 */
@AutoConfiguration
@EnableConfigurationProperties(Gemma4Properties.class)
public class Gemma4AutoConfiguration {

    /** Made by Spring Boot. */
    public Gemma4AutoConfiguration() {}

    /**
     * The model.
     *
     * @param properties where it is and how it is loaded
     * @return the model, which is closed with the application
     * @throws IOException if the file cannot be read
     */
    @Bean(destroyMethod = "close")
    @ConditionalOnMissingBean
    @ConditionalOnProperty("gemma4j.model.path")
    public Gemma4 gemma4(Gemma4Properties properties) throws IOException {
        return Gemma4.load(properties.model().path(), properties.model().loadOptions());
    }

    /**
     * The model as Spring AI knows it.
     *
     * @param model the model
     * @param properties what its answers are like
     * @param observations told of each prompt, if there is one
     * @return a chat model that borrows the model
     */
    @Bean
    @ConditionalOnMissingBean
    @ConditionalOnBean(Gemma4.class)
    @ConditionalOnProperty(name = "spring.ai.model.chat", havingValue = "gemma4j", matchIfMissing = true)
    public Gemma4ChatModel gemma4ChatModel(Gemma4 model, Gemma4Properties properties, ObjectProvider<ObservationRegistry> observations) {
        return new Gemma4ChatModel(model, properties.chat().options(), observations.getIfUnique(() -> ObservationRegistry.NOOP));
    }
}
