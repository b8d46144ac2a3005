package io.gemma4j.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;

/** What the small model says to questions of LangChain4j's tests that it has never learned to answer. */
enum LaidDown {
    GERMAN("Ich liebe dich<turn|>"),
    GREEN("Your favorite color is green.<turn|>"),
    HELLO_WORLD("Hello World!<turn|>"),
    WEATHER("<|tool_call>call:getWeather{city:<|\"|>Munich<|\"|>}<tool_call|><|tool_response>", "It is sunny in Munich.<turn|>"),
    TIME("<|tool_call>call:get_current_time{}<tool_call|><|tool_response>", "It is 10:14 now.<turn|>"),
    JSON("{\"city\": \"Berlin\"}"),
    ANY_CALL("{\"name\": \"getWeather\", \"arguments\": {\"city\": \"Munich\"}}"),
    THE_CALL("{\"city\": \"Munich\"}"),
    WEATHER_AS_JSON("<|tool_call>call:getWeather{city:<|\"|>Munich<|\"|>}<tool_call|><|tool_response>", "{\"weather\": \"sunny\"}"),
    PARALLEL("<|tool_call>call:getWeather{city:<|\"|>Munich<|\"|>}<tool_call|><|tool_call>call:getTime{country:<|\"|>France<|\"|>}<tool_call|><|tool_response>",
            "It is sunny in Munich and 14:35 in France.<turn|>");

    private final String[] answers;

    LaidDown(String... answers) {
        this.answers = answers;
    }

    /** Runs a test that hears these answers and nothing else. */
    void during(Runnable test) {
        ScriptedCpu.says(TinyModel.shared().tokenizer(), answers);
        test.run();
        if (this != HELLO_WORLD) { // of which the end is never said
            assertThat(ScriptedCpu.isOver()).isTrue();
        }
        ScriptedCpu.says(TinyModel.shared().tokenizer());
    }
}
