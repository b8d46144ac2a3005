package io.gemma4j.chat;

import java.util.Map;

/**
 * What a model is told about a tool.
 *
 * @param name how the model calls it
 * @param description what it is for
 * @param parameters JSON schema of an object, as {@link Json#read} returns it
 */
public record ToolDeclaration(String name, String description, Map<String, Object> parameters) {}
