package io.gemma4j.langchain4j;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.service.common.AbstractAiServiceWithJsonSchemaIT;
import java.lang.reflect.Method;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInfo;

/** What LangChain4j asks of its services that return Java values. The model's words are laid down, and its schemas have to let them pass. */
class AiServiceWithJsonSchemaTest extends AbstractAiServiceWithJsonSchemaIT {
    private static final String KLAUS = "{\"name\": \"Klaus\", \"age\": 37, \"height\": 1.78, \"married\": false}";
    private static final String FRANNY = "{\"name\": \"Franny\", \"age\": 35, \"height\": 1.65, \"married\": true}";
    private static final String REX = "{\"type\": \"Dog\", \"name\": \"Rex\", \"breed\": \"Labrador\"}";

    @Override
    protected List<ChatModel> models() {
        return List.of(new Gemma4ChatModel(TinyModel.shared(), TinyModel.greedy().build()));
    }

    @Override
    protected boolean supportsRecursion() {
        return true;
    }

    private static String klausWith(String member) {
        return "{\"name\": \"Klaus\", " + member + "}";
    }

    private static String value(String value) {
        return "{\"value\": " + value + "}";
    }

    private static String values(String... values) {
        return "{\"values\": [" + String.join(", ", values) + "]}";
    }

    @BeforeEach
    void layDown(TestInfo test) {
        ScriptedCpu.says(TinyModel.shared().tokenizer(), switch (test.getTestMethod().map(Method::getName).orElseThrow()) {
            case "should_extract_pojo_with_primitives" -> KLAUS;
            case "should_extract_pojo_with_missing_data", "should_return_result_with_pojo" -> "{\"name\": \"Klaus\"}";
            case "should_extract_pojo_with_nested_pojo" ->
                klausWith("\"shippingAddress\": {\"city\": \"Langley Falls\"}, \"billingAddress\": {\"city\": \"New York\"}");
            case "should_extract_pojo_with_enum" -> klausWith("\"maritalStatus\": \"SINGLE\"");
            case "should_extract_pojo_with_array_of_primitives", "should_extract_pojo_with_list_of_primitives", "should_extract_pojo_with_set_of_primitives" ->
                klausWith("\"favouriteColors\": [\"orange\", \"green\"]");
            case "should_extract_pojo_with_array_of_pojos", "should_extract_pojo_with_list_of_pojos", "should_extract_pojo_with_set_of_pojos" ->
                klausWith("\"pets\": [{\"name\": \"Peanut\"}, {\"name\": \"Muffin\"}]");
            case "should_extract_pojo_with_array_of_enums", "should_extract_pojo_with_list_of_enums", "should_extract_pojo_with_set_of_enums" ->
                klausWith("\"groups\": [\"A\", \"C\"]");
            case "should_extract_pojo_with_local_date_time_fields" -> klausWith("\"birthDate\": {\"year\": 1976, \"month\": 8, \"day\": 12}, "
                    + "\"birthTime\": {\"hour\": 14, \"minute\": 43, \"second\": 0, \"nano\": 0}, \"birthDateTime\": {\"date\": {\"year\": 1976, \"month\": 8, "
                    + "\"day\": 12}, \"time\": {\"hour\": 14, \"minute\": 43, \"second\": 0, \"nano\": 0}}");
            case "should_extract_pojo_with_recursion" ->
                "{\"name\": \"Francine\", \"children\": [{\"name\": \"Steve\", \"children\": []}, {\"name\": \"Hayley\", \"children\": []}]}";
            case "should_extract_pojo_with_uuid" -> "{\"id\": \"567b229a-6b0a-4f1e-9006-448cd9dfbfda\", \"name\": \"Klaus\"}";
            case "should_extract_boolean_primitive", "should_extract_boolean_boxed" -> value("true");
            case "should_extract_int_primitive", "should_extract_int_boxed", "should_extract_long_primitive", "should_extract_long_boxed" -> value("2");
            case "should_extract_float_primitive", "should_extract_float_boxed", "should_extract_double_primitive", "should_extract_double_boxed" ->
                value("-0.5");
            case "should_extract_list_of_pojo", "should_extract_set_of_pojo" -> values(KLAUS, FRANNY);
            case "should_return_result_with_list_of_pojo" -> values("{\"name\": \"Klaus\"}", "{\"name\": \"Francine\"}");
            case "should_extract_list_of_strings", "should_extract_set_of_strings" -> values("\"Klaus\"", "\"Franny\"");
            case "should_extract_enum" -> value("\"SINGLE\"");
            case "should_extract_list_of_enums" -> values("\"SINGLE\"", "\"MARRIED\"", "\"MARRIED\"");
            case "should_extract_set_of_enums" -> values("\"SUNNY\"", "\"WINDY\"", "\"RAINY\"", "\"CLOUDY\"");
            case "should_extract_polymorphic_type" -> value(REX);
            case "should_extract_list_of_polymorphic_types" -> values(REX, "{\"type\": \"Cat\", \"name\": \"Whiskers\", \"indoor\": true}");
            case "should_extract_pojo_with_nested_polymorphic_field" -> "{\"name\": \"Alice\", \"pet\": " + REX + "}";
            case "should_extract_recursive_polymorphic_type" -> value(add(add(constant(1), constant(2)), constant(3)));
            case String other -> throw new IllegalArgumentException("no answer for " + other);
        });
    }

    private static String constant(int value) {
        return "{\"type\": \"Constant\", \"value\": " + value + "}";
    }

    private static String add(String left, String right) {
        return "{\"type\": \"Addition\", \"left\": " + left + ", \"right\": " + right + "}";
    }
}
