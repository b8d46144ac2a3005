package io.gemma4j.chat;

import java.util.List;
import java.util.Map;
import java.util.Set;

/** How a tool is declared to the model: {@code declaration:name{description:...,parameters:{properties:{...},required:[...],type:...}}}. */
final class DeclarationSyntax {
    // The template takes these for keywords of the schema wherever they stand, so that parameters of these names are not shown.
    private static final Set<String> KEYWORDS = Set.of("description", "type", "properties", "required", "nullable");

    private final PromptParts out;

    DeclarationSyntax(PromptParts out) {
        this.out = out;
    }

    void write(ToolDeclaration tool) {
        out.control("<|tool>").text("declaration:" + tool.name() + "{description:").quoted(tool.description());
        Map<String, Object> parameters = tool.parameters();
        out.text(",parameters:{");
        Map<String, Object> properties = object(parameters.get("properties"));
        if (!properties.isEmpty()) {
            out.text("properties:{");
            properties(properties);
            out.text("},");
        }
        if (parameters.get("required") instanceof List<?> required && !required.isEmpty()) {
            required(required);
            out.text(",");
        }
        out.text("type:").quoted("OBJECT").text("}}").control("<tool|>");
    }

    private void properties(Map<String, Object> properties) {
        String separator = "";
        for (Map.Entry<String, Object> property : TemplateText.sorted(properties)) {
            if (!KEYWORDS.contains(property.getKey())) {
                out.text(separator + property.getKey() + ":{");
                schema(object(property.getValue()));
                separator = ",";
            }
        }
    }

    private void schema(Map<String, Object> schema) {
        String type = TemplateText.upper(typeName(schema.get("type")));
        if (schema.get("description") instanceof String description && !description.isEmpty()) {
            out.text("description:").quoted(description).text(",");
        }
        if (type.equals("STRING") && schema.get("enum") instanceof List<?> values && !values.isEmpty()) {
            out.text("enum:");
            new ValueSyntax(out, true).write(values);
            out.text(",");
        }
        if (type.equals("ARRAY") && !object(schema.get("items")).isEmpty()) {
            items(object(schema.get("items")));
        }
        if (Boolean.TRUE.equals(schema.get("nullable")) || schema.get("type") instanceof List<?> types && types.contains("null")) {
            out.text("nullable:true,");
        }
        if (type.equals("OBJECT")) {
            out.text("properties:{");
            properties(schema.get("properties") instanceof Map ? object(schema.get("properties")) : schema);
            out.text("},");
            if (schema.get("required") instanceof List<?> required && !required.isEmpty()) {
                required(required);
                out.text(",");
            }
        }
        out.text("type:").quoted(type).text("}");
    }

    private void items(Map<String, Object> items) {
        out.text("items:{");
        String separator = "";
        for (Map.Entry<String, Object> item : TemplateText.sorted(items)) {
            if (item.getValue() == null) {
                continue;
            }
            out.text(separator);
            separator = ",";
            switch (item.getKey()) {
                case "properties" -> {
                    out.text("properties:{");
                    properties(object(item.getValue()));
                    out.text("}");
                }
                case "required" -> required((List<?>) item.getValue());
                case "type" -> out.text("type:").quoted(TemplateText.upper(typeName(item.getValue())));
                default -> {
                    out.text(item.getKey() + ":");
                    new ValueSyntax(out, true).write(item.getValue());
                }
            }
        }
        out.text("},");
    }

    private void required(List<?> names) {
        out.text("required:[");
        String separator = "";
        for (Object name : names) {
            out.text(separator).quoted(name.toString());
            separator = ",";
        }
        out.text("]");
    }

    // Of several types the first that is not null; the model knows no lists of them.
    private static String typeName(Object type) {
        if (type instanceof List<?> types) {
            return types.stream().filter(name -> !"null".equals(name)).findFirst().map(Object::toString).orElse("null");
        }
        return type == null ? "" : type.toString();
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> object(Object value) {
        return value instanceof Map ? (Map<String, Object>) value : Map.of();
    }
}
