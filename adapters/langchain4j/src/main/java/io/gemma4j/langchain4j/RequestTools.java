package io.gemma4j.langchain4j;

import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.internal.JsonSchemaElementUtils;
import io.gemma4j.Tool;
import io.gemma4j.chat.Json;

/** LangChain4j's tools as the library's; their calls are left to the application. */
final class RequestTools {
    private static final String NO_PARAMETERS = "{\"type\":\"object\",\"properties\":{}}";

    private RequestTools() {}

    static Tool of(ToolSpecification specification) {
        return Tool.of(specification.name(), specification.description() == null ? "" : specification.description(),
                specification.parameters() == null ? NO_PARAMETERS : Json.write(JsonSchemaElementUtils.toMap(specification.parameters())));
    }
}
