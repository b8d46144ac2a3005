package io.gemma4j.langchain4j;

import dev.langchain4j.data.image.Image;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.service.common.AbstractAiServiceWithToolsIT;
import java.lang.reflect.Method;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInfo;

/** What LangChain4j asks of its services with tools of every shape: schemas, arguments and results pass both ways. The model's calls are laid down. */
class AiServiceWithToolsTest extends AbstractAiServiceWithToolsIT {
    private static final String ADD = call("add", "arg0:37,arg1:87");

    @Override
    protected List<ChatModel> models() {
        return List.of(new Gemma4ChatModel(TinyModel.shared(), TinyModel.greedy().build()));
    }

    @Override
    protected boolean supportsRecursion() {
        return true;
    }

    @Override
    protected boolean supportsMapParameters() {
        return true;
    }

    @Override
    protected boolean supportsMultimodalToolResults() {
        return false;
    }

    @Override
    protected Image catImage() {
        return Image.builder().base64Data("R0lGODlhAQABAAAAACw=").mimeType("image/gif").build();
    }

    private static String call(String tool, String arguments) {
        return "<|tool_call>call:" + tool + "{" + arguments.replace("'", "<|\"|>") + "}<tool_call|>";
    }

    private static String said(String text) {
        return text + "<turn|>";
    }

    @BeforeEach
    void layDown(TestInfo test) {
        Stream<String> answers = switch (test.getTestMethod().map(Method::getName).orElseThrow()) {
            case "should_execute_tool_with_primitive_parameters", "should_execute_normal_tool_with_primitive_parameters" -> Stream.of(ADD, said("It is 124."));
            case "should_execute_immediate_tool_with_primitive_parameters", "should_throw_using_immediate_tool_on_service_not_returning_Result" ->
                Stream.of(ADD);
            case "should_execute_normal_tool_in_parallel_with_primitive_parameters" ->
                Stream.of(ADD + call("add", "arg0:73,arg1:78"), said("124 and 151."));
            case "should_execute_immediate_tool_in_parallel_with_primitive_parameters" -> Stream.of(ADD + call("add", "arg0:73,arg1:78"));
            case "should_return_to_LLM" -> Stream.of(call("add", "arg0:2,arg1:3"), call("multiply", "arg0:5,arg1:4"), said("It is 20."), ADD, said("It is 124."));
            case "should_return_immediately_from_first_tool_when_not_called_in_parallel" -> Stream.of(call("add", "arg0:2,arg1:3"), ADD);
            case "should_keep_memory_consistent_using_return_immediate" -> Stream.of(ADD, call("add", "arg0:124,arg1:47"));
            case "should_execute_tool_with_pojo_with_primitives" ->
                Stream.of(call("process", "arg0:{name:'Klaus',age:37,height:1.78,married:false}"), said("Done."));
            case "should_execute_tool_with_pojo_with_nested_pojo" -> Stream.of(call("process", "arg0:{name:'Klaus',address:{city:'Langley Falls'}}"), said("Done."));
            case "should_execute_tool_with_pojo_with_recursion" -> Stream.of(
                    call("process", "arg0:{name:'Francine',children:[{name:'Steve',children:[]},{name:'Hayley',children:[]}]}"), said("Done."));
            case "should_execute_tool_without_parameters" -> Stream.of(call("currentTime", ""), said("17:11:45"));
            case "should_execute_tool_with_enum_parameter" -> Stream.of(call("currentTemperature", "arg0:'Munich',arg1:'CELSIUS'"), said("19 degrees."));
            case "should_execute_tool_with_map_parameter" -> Stream.of(call("process", "arg0:{Klaus:42,Francine:47}"), said("Done."));
            case "should_execute_tool_with_list_of_strings_parameter" -> Stream.of(call("processNames", "arg0:['Klaus','Franny']"), said("Done."));
            case "should_execute_tool_with_set_of_enums_parameter" -> Stream.of(call("process", "arg0:['RED','GREEN']"), said("Done."));
            case "should_execute_tool_with_collection_of_integers_parameter" -> Stream.of(call("processNumbers", "arg0:[37,73]"), said("Done."));
            case "should_execute_tool_with_list_of_POJOs_parameter" -> Stream.of(call("process", "arg0:[{name:'Klaus'},{name:'Franny'}]"), said("Done."));
            case "should_execute_tool_with_uuid_parameter" ->
                Stream.of(call("getUsernameFromId", "arg0:'62dbcc27-aaf3-449a-b12d-5a904271a57f'"), said("Alice"));
            case "should_allow_empty_tool_result", "should_allow_blank_tool_result" -> Stream.of(call("modify", "arg0:7"), said("Done."));
            case "should_fail_when_tool_returns_image_and_provider_does_not_support_it" -> Stream.of(call("takePhoto", ""));
            case String other -> throw new IllegalArgumentException("no answers for " + other);
        };
        ScriptedCpu.says(TinyModel.shared().tokenizer(),
                answers.map(answer -> answer.endsWith("<tool_call|>") ? answer + "<|tool_response>" : answer).toArray(String[]::new));
    }
}
