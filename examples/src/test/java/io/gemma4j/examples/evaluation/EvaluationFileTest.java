package io.gemma4j.examples.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.Gemma4Exception;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EvaluationFileTest {
    private static final String LINE = "{\"skill\":\"a\",\"prompt\":\"<bos>x\\n\",\"maxTokens\":5,\"match\":\"words<=3\",\"expected\":\"y\"}";

    @Test
    void linesAreCases() {
        List<EvaluationCase> cases = EvaluationFile.parse("f", LINE + "\n\n" + LINE.replace("\"a\"", "\"b\"") + "\r\n");
        assertEquals(List.of("a", "b"), cases.stream().map(EvaluationCase::skill).toList());
        assertEquals("<bos>x\n", cases.getFirst().prompt());
        assertEquals(5, cases.getFirst().maxTokens());
        assertEquals("words<=3", cases.getFirst().match().name());
        assertEquals("y", cases.getFirst().expected());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {"\"skill\":\"a\"|\"skill\":1|'skill'", "\"maxTokens\":5|\"maxTokens\":0|'maxTokens'",
        "\"maxTokens\":5|\"maxTokens\":1.5|'maxTokens'", "\"maxTokens\":5|\"maxTokens\":\"5\"|'maxTokens'", "words<=3|wordy|'wordy'",
        "\"expected\":\"y\"|\"expect\":\"y\"|'expected'", "\"prompt\"|\"prompts\"|'prompt'"})
    void whatIsNoCaseIsRefusedByLineAndKey(String found, String replacement, String named) {
        Gemma4Exception e = assertThrows(Gemma4Exception.class, () -> EvaluationFile.parse("f", LINE + "\n" + LINE.replace(found, replacement)));
        assertTrue(e.getMessage().startsWith("f: line 2: ") && e.getMessage().contains(named), e.getMessage());
    }

    @Test
    void brokenJsonAndEmptyFilesAreRefused() {
        assertTrue(assertThrows(Gemma4Exception.class, () -> EvaluationFile.parse("f", "{")).getMessage().startsWith("f: line 1: "));
        assertTrue(assertThrows(Gemma4Exception.class, () -> EvaluationFile.parse("f", "[]")).getMessage().contains("'match'"));
        assertThrows(Gemma4Exception.class, () -> EvaluationFile.parse("f", "\n \n"));
    }
}
