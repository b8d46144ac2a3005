package io.gemma4j;

import io.gemma4j.chat.JavaSchema;
import io.gemma4j.chat.Json;
import io.gemma4j.chat.ToolDeclaration;
import io.gemma4j.chat.ValueBinding;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Parameter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * Something a model may have done for it: declared with the schema of its arguments, and, with a handler, done by the chat itself.
 *
 * {@snippet :
 * record City(@Tool.Description("City name") String city) {}
 * Tool weather = Tool.of("get_weather", "Current weather for a city", City.class, city -> "12 degrees, rain");
 * }
 *
 * <p>The format has no place for parameters named description, type, properties, required or nullable: the model does not see them.
 * Immutable and, as far as its handler is, thread-safe.
 */
public final class Tool {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.-]+");

    private final ToolDeclaration declaration;
    private final Function<Map<String, Object>, Object> binding;
    private final Function<Object, Object> handler;

    /** What something is for, as the model is told: a method that is a tool, its parameters, the components of a record. */
    @Retention(RetentionPolicy.RUNTIME)
    @Target({ElementType.METHOD, ElementType.PARAMETER, ElementType.RECORD_COMPONENT})
    public @interface Description {
        /**
         * The description.
         *
         * @return a short text
         */
        String value();
    }

    private Tool(String name, String description, Map<String, Object> parameters, Function<Map<String, Object>, Object> binding,
            Function<Object, Object> handler) {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException("the name of a tool must consist of letters, digits, '_', '.' and '-', was '" + name + "'");
        }
        this.declaration = new ToolDeclaration(name, Objects.requireNonNull(description, "description"), parameters);
        this.binding = binding;
        this.handler = handler;
    }

    /**
     * A tool whose calls the application answers.
     *
     * @param name letters, digits, {@code _}, {@code .} and {@code -}
     * @param description what it is for
     * @param schema JSON schema of its arguments, of type object
     * @return the tool
     * @throws IllegalArgumentException if the name or the schema is no such thing
     */
    public static Tool of(String name, String description, String schema) {
        return new Tool(name, description, parse(name, schema), null, null);
    }

    /**
     * A tool that the chat calls.
     *
     * @param name letters, digits, {@code _}, {@code .} and {@code -}
     * @param description what it is for
     * @param schema JSON schema of its arguments, of type object
     * @param handler takes the arguments, as in {@link Message.ToolCall}; returns text, or what JSON has, records included
     * @return the tool
     * @throws IllegalArgumentException if the name or the schema is no such thing
     */
    public static Tool of(String name, String description, String schema, Function<? super Map<String, Object>, ?> handler) {
        Objects.requireNonNull(handler, "handler");
        @SuppressWarnings("unchecked")
        Function<Object, Object> untyped = arguments -> handler.apply((Map<String, Object>) arguments);
        return new Tool(name, description, parse(name, schema), arguments -> arguments, untyped);
    }

    /**
     * A tool whose calls the application answers.
     *
     * @param name letters, digits, {@code _}, {@code .} and {@code -}
     * @param description what it is for
     * @param parameters a record whose components are the arguments
     * @return the tool
     * @throws IllegalArgumentException if the name is no such thing, or a component has a type without a schema
     */
    public static Tool of(String name, String description, Class<? extends Record> parameters) {
        return new Tool(name, description, JavaSchema.of(parameters, Tool::description), null, null);
    }

    /**
     * A tool that the chat calls.
     *
     * @param <R> the record
     * @param name letters, digits, {@code _}, {@code .} and {@code -}
     * @param description what it is for
     * @param parameters a record whose components are the arguments
     * @param handler takes the arguments; returns text, or what JSON has, records included
     * @return the tool
     * @throws IllegalArgumentException if the name is no such thing, or a component has a type without a schema
     */
    public static <R extends Record> Tool of(String name, String description, Class<R> parameters, Function<? super R, ?> handler) {
        Objects.requireNonNull(handler, "handler");
        return new Tool(name, description, JavaSchema.of(parameters, Tool::description),
                arguments -> ValueBinding.toJava(arguments, parameters, name), bound -> handler.apply(parameters.cast(bound)));
    }

    /**
     * The tools of an object: its public methods with a {@link Description}, under their own names.
     *
     * @param target whose methods are called; its class is compiled with {@code -parameters}
     * @return one tool for each such method, in alphabetical order
     * @throws IllegalArgumentException if there is none, two have one name, a parameter has no name or a type without a schema, or the module of the
     *     class does not open its package
     */
    public static List<Tool> methodsOf(Object target) {
        List<Tool> tools = Arrays.stream(target.getClass().getMethods()).filter(method -> method.isAnnotationPresent(Description.class))
                .sorted(Comparator.comparing(Method::getName)).map(method -> of(target, method)).toList();
        if (tools.isEmpty()) {
            throw new IllegalArgumentException(target.getClass().getName() + " has no public method with @Tool.Description");
        }
        requireDistinctNames(tools);
        return tools;
    }

    private static Tool of(Object target, Method method) {
        try {
            method.setAccessible(true);
        } catch (InaccessibleObjectException e) {
            throw new IllegalArgumentException(method + " cannot be called; its module has to open its package to io.gemma4j.core", e);
        }
        return new Tool(method.getName(), description(method).orElseThrow(), JavaSchema.of(method.getParameters(), Tool::description),
                arguments -> bind(method, arguments), bound -> invoke(target, method, (Object[]) bound));
    }

    private static Object[] bind(Method method, Map<String, Object> arguments) {
        List<Object> bound = new ArrayList<>();
        for (Parameter parameter : method.getParameters()) {
            bound.add(ValueBinding.toJava(arguments.get(parameter.getName()), parameter.getParameterizedType(),
                    method.getName() + "." + parameter.getName()));
        }
        return bound.toArray();
    }

    private static Object invoke(Object target, Method method, Object[] arguments) {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            switch (e.getCause()) {
                case RuntimeException unchecked -> throw unchecked;
                case Error error -> throw error;
                case Throwable checked -> throw new Gemma4Exception("tool " + method.getName() + " failed: " + checked.getMessage(), checked);
            }
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(method + " was made accessible", e);
        }
    }

    static void requireDistinctNames(List<Tool> tools) {
        if (tools.stream().map(Tool::name).distinct().count() < tools.size()) {
            throw new IllegalArgumentException("tools must have different names, were " + tools.stream().map(Tool::name).toList());
        }
    }

    static Optional<String> description(AnnotatedElement element) {
        return Optional.ofNullable(element.getAnnotation(Description.class)).map(Description::value);
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> parse(String name, String schema) {
        if (Json.read(schema) instanceof Map<?, ?> map && "object".equals(map.get("type"))) {
            return (Map<String, Object>) map;
        }
        throw new IllegalArgumentException("the schema of tool " + name + " must be a JSON object of type \"object\", was " + schema);
    }

    /**
     * How the model calls it.
     *
     * @return the name
     */
    public String name() {
        return declaration.name();
    }

    /**
     * What it is for.
     *
     * @return the description
     */
    public String description() {
        return declaration.description();
    }

    /**
     * What its arguments are.
     *
     * @return JSON schema of an object
     */
    public String schema() {
        return Json.write(declaration.parameters());
    }

    /** Whether the chat itself calls it. */
    boolean hasHandler() {
        return handler != null;
    }

    ToolDeclaration declaration() {
        return declaration;
    }

    /** Calls it. Arguments that do not fit are the model's mistake and make a result that says so. */
    Message.ToolResult call(Map<String, Object> arguments) {
        Object bound;
        try {
            bound = binding.apply(arguments);
        } catch (IllegalArgumentException e) {
            return error(name(), e.getMessage());
        }
        return new Message.ToolResult(name(), ValueBinding.toJson(handler.apply(bound)));
    }

    static Message.ToolResult error(String name, String message) {
        return new Message.ToolResult(name, Map.of("error", message));
    }
}
