package io.gemma4j.examples.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HubSettingsTest {
    @TempDir
    private Path home;

    private HubSettings settings(String... pairs) throws Exception {
        Map<String, String> environment = new HashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            environment.put(pairs[i], pairs[i + 1]);
        }
        return HubSettings.of(environment, home);
    }

    @Test
    void nothingSetIsTheHubAndTheUsersCache() throws Exception {
        HubSettings settings = settings();
        assertEquals(URI.create("https://huggingface.co"), settings.endpoint());
        assertEquals(home.resolve(".cache/huggingface/hub"), settings.cache());
        assertEquals(Optional.empty(), settings.token());
        assertFalse(settings.offline());
    }

    @Test
    void theMoreSpecificVariableCounts() throws Exception {
        assertEquals(home.resolve("x/huggingface/hub"), settings("XDG_CACHE_HOME", home.resolve("x").toString()).cache());
        assertEquals(home.resolve("h/hub"), settings("XDG_CACHE_HOME", "x", "HF_HOME", home.resolve("h").toString()).cache());
        assertEquals(home.resolve("c"), settings("HF_HOME", "h", "HF_HUB_CACHE", home.resolve("c").toString()).cache());
    }

    @Test
    void theTokenComesFromTheEnvironmentOrTheFileOfTheLogin() throws Exception {
        Path file = Files.writeString(Files.createDirectories(home.resolve(".cache/huggingface")).resolve("token"), "from-file\n");
        assertEquals(Optional.of("from-file"), settings().token());
        assertEquals(Optional.of("from-file"), settings("HF_HOME", home.resolve("h").toString(), "HF_TOKEN_PATH", file.toString()).token());
        assertEquals(Optional.of("mine"), settings("HF_TOKEN", " mine ").token());
    }

    @Test
    void offlineIsSaidInSeveralWays() throws Exception {
        for (String yes : new String[] {"1", "true", "YES", "on"}) {
            assertTrue(settings("HF_HUB_OFFLINE", yes).offline(), yes);
        }
        assertFalse(settings("HF_HUB_OFFLINE", "0").offline());
    }

    @Test
    void anEndpointIsAnAddress() throws Exception {
        assertEquals(URI.create("http://localhost:8080/hub"), settings("HF_ENDPOINT", "http://localhost:8080/hub/").endpoint());
        assertThrows(IllegalArgumentException.class, () -> settings("HF_ENDPOINT", "ftp://example.org"));
        assertThrows(IllegalArgumentException.class, () -> settings("HF_ENDPOINT", "example.org"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"hf:owner", "hf:owner/repo/more", "hf:owner/..:Q4_0", "hf:/repo", "hf:owner/repo:", "hf:owner/repo:a..b", "hf:own--er/repo", "hf:o/r@", "hf:o/ r"})
    void referencesOfAnotherFormAreRefused(String reference) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> HubReference.parse(reference));
        assertTrue(e.getMessage().contains("hf:OWNER/REPO") && e.getMessage().endsWith(reference), e.getMessage());
    }

    @Test
    void aReferenceHasARepositoryARevisionAndAQuantization() {
        assertEquals(new HubReference("o/r.x-1", "main", Optional.empty()), HubReference.parse("hf:o/r.x-1"));
        assertEquals(new HubReference("o/r", "refs/pr/3", Optional.of("UD/x.gguf")), HubReference.parse("hf:o/r@refs/pr/3:UD/x.gguf"));
    }
}
