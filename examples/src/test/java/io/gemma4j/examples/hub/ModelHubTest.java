package io.gemma4j.examples.hub;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.examples.hub.FakeHub.Fault;
import io.gemma4j.examples.hub.FakeHub.Seen;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ModelHubTest {
    private static final String MODEL = "hf:owner/tiny-GGUF:Q4_K_M";
    private static final String NAME = "tiny-Q4_K_M.gguf";
    private static final byte[] CONTENT = new byte[1_234_567];

    @TempDir
    private Path cache;
    private FakeHub hub;

    @BeforeEach
    void start() throws Exception {
        new Random(1).nextBytes(CONTENT);
        hub = new FakeHub().with(NAME, CONTENT);
    }

    @AfterEach
    void stop() {
        hub.close();
    }

    private ModelHub client(String token, boolean offline, Duration stall) {
        return new ModelHub(new HubSettings(hub.endpoint(), Optional.ofNullable(token), cache, offline, stall), Duration.ofMillis(1));
    }

    private Path pull() throws IOException {
        return client(null, false, Duration.ofSeconds(20)).file(MODEL, DownloadProgress.NONE);
    }

    private Path blobs() {
        return cache.resolve("models--owner--tiny-GGUF/blobs");
    }

    private List<Seen> contentRequests() {
        return hub.seen.stream().filter(seen -> seen.server().equals("contents")).toList();
    }

    private void assertComplete(Path file) throws IOException {
        assertArrayEquals(CONTENT, Files.readAllBytes(file));
        try (Stream<Path> files = Files.list(blobs())) {
            assertEquals(List.of(FakeHub.hash(CONTENT)), files.map(blob -> blob.getFileName().toString()).toList(), "nothing else is left");
        }
    }

    @Test
    @DisabledOnOs(value = OS.WINDOWS, disabledReason = "links need rights that few have there; files are copies")
    void theCacheHasTheLayoutOfHuggingFace() throws Exception {
        Path file = pull();
        assertEquals(cache.resolve("models--owner--tiny-GGUF/snapshots/" + FakeHub.COMMIT + "/" + NAME), file);
        assertEquals(blobs().resolve(FakeHub.hash(CONTENT)).toRealPath(), file.toRealPath());
        assertEquals(Path.of("../../blobs/" + FakeHub.hash(CONTENT)), Files.readSymbolicLink(file));
        assertEquals(FakeHub.COMMIT, Files.readString(cache.resolve("models--owner--tiny-GGUF/refs/main")));
        assertComplete(file);
    }

    @Test
    void aModelIsDownloadedOnce() throws Exception {
        assertEquals(pull(), pull());
        assertEquals(1, hub.downloads.get());
        assertEquals(client(null, true, Duration.ofSeconds(1)).file(MODEL, DownloadProgress.NONE), pull());
    }

    @ParameterizedTest
    @EnumSource(value = Fault.class, names = {"NONE", "TOO_LONG", "CORRUPT", "NO_RANGES", "WRONG_RANGE"}, mode = EnumSource.Mode.EXCLUDE)
    void faultsThatPassAreSurvived(Fault fault) throws Exception {
        hub.next(Fault.DROP, fault, Fault.DROP, fault, fault);
        assertComplete(client(null, false, Duration.ofSeconds(1)).file(MODEL, DownloadProgress.NONE));
    }

    @Test
    void whatHasComeIsNotAskedForAgain() throws Exception {
        hub.next(Fault.DROP, Fault.DROP);
        assertComplete(pull());
        List<Seen> requests = contentRequests();
        // What is on its way when a connection breaks may be lost.
        List<Integer> starts = requests.stream().skip(1).map(request -> Integer.parseInt(request.range().replaceAll("bytes=(\\d+)-", "$1"))).toList();
        assertTrue(starts.get(0) > 0 && starts.get(0) < starts.get(1), starts.toString());
        assertEquals(Arrays.asList(null, "\"one\"", "\"one\""), requests.stream().map(Seen::ifRange).toList());
    }

    @Test
    void anotherProcessGoesOnWhereOneHasStopped() throws Exception {
        hub.next(Fault.DROP, Fault.NOTHING, Fault.NOTHING, Fault.NOTHING, Fault.NOTHING, Fault.NOTHING);
        IOException e = assertThrows(IOException.class, this::pull);
        long have = Files.size(blobs().resolve(FakeHub.hash(CONTENT) + ".incomplete"));
        assertTrue(have > 0 && have < CONTENT.length);
        assertTrue(e.getMessage().contains("byte " + have + " of 1234567 of " + NAME), e.getMessage());
        hub.seen.clear();
        assertComplete(pull());
        assertEquals("bytes=" + have + "-", contentRequests().getFirst().range());
    }

    @Test
    void aContentThatHasChangedMeanwhileIsNotMixed() throws Exception {
        hub.next(Fault.DROP, Fault.NOTHING, Fault.NOTHING, Fault.NOTHING, Fault.NOTHING, Fault.NOTHING);
        assertThrows(IOException.class, this::pull);
        Path partial = blobs().resolve(FakeHub.hash(CONTENT) + ".incomplete");
        Files.write(partial, new byte[1000]);
        hub.entityTag = "\"two\"";
        assertComplete(pull());
    }

    @Test
    void serversThatKnowNoPartsAreStartedAnew() throws Exception {
        hub.next(Fault.DROP, Fault.NO_RANGES);
        assertComplete(pull());
        Files.delete(blobs().resolve(FakeHub.hash(CONTENT)));
        hub.next(Fault.DROP, Fault.WRONG_RANGE);
        assertComplete(pull());
    }

    @Test
    void whatAnEarlierProcessHasSpoiledIsDownloadedAgain() throws Exception {
        Files.createDirectories(blobs());
        Path partial = blobs().resolve(FakeHub.hash(CONTENT) + ".incomplete");
        for (int size : new int[] {1000, CONTENT.length, CONTENT.length + 5}) {
            Files.write(partial, new byte[size]);
            assertComplete(pull());
            Files.delete(blobs().resolve(FakeHub.hash(CONTENT)));
        }
    }

    @Test
    void damagedContentIsRefusedAndDeleted() throws Exception {
        hub.next(Fault.CORRUPT);
        HubException e = assertThrows(HubException.class, this::pull);
        assertTrue(e.getMessage().contains(NAME) && e.getMessage().contains(FakeHub.hash(CONTENT)), e.getMessage());
        try (Stream<Path> files = Files.list(blobs())) {
            assertEquals(0, files.count());
        }
        assertComplete(pull());
    }

    @Test
    void moreBytesThanPromisedAreRefused() throws Exception {
        hub.next(Fault.TOO_LONG);
        HubException e = assertThrows(HubException.class, this::pull);
        assertEquals(NAME + ": expected 1234567 bytes, but the server sends more", e.getMessage());
        assertComplete(pull());
    }

    @Test
    void theTokenIsShownToTheHubAndNobodyElse() throws Exception {
        hub.requiredToken = "secret";
        assertComplete(client("secret", false, Duration.ofSeconds(20)).file(MODEL, DownloadProgress.NONE));
        assertTrue(contentRequests().stream().allMatch(seen -> seen.authorization() == null));
        assertTrue(hub.seen.stream().filter(seen -> seen.server().equals("api")).allMatch(seen -> "Bearer secret".equals(seen.authorization())));
        Files.delete(blobs().resolve(FakeHub.hash(CONTENT)));
        hub.redirectsToRelativeAddress = true;
        hub.seen.clear();
        assertComplete(client("secret", false, Duration.ofSeconds(20)).file(MODEL, DownloadProgress.NONE));
        assertEquals("Bearer secret", contentRequests().getFirst().authorization(), "the same address may see it");
    }

    @Test
    void whoMayNotHaveAModelIsToldWhatToDo() {
        hub.requiredToken = "secret";
        assertTrue(assertThrows(HubException.class, this::pull).getMessage().contains("set HF_TOKEN"));
        HubException wrong = assertThrows(HubException.class, () -> client("wrong", false, Duration.ofSeconds(9)).file(MODEL, DownloadProgress.NONE));
        assertTrue(wrong.getMessage().contains("refuses the token (status 403)"), wrong.getMessage());
        assertFalse(wrong.getMessage().contains("wrong\""), wrong.getMessage());
        hub.requiredToken = null;
        assertTrue(assertThrows(HubException.class, () -> client(null, false, Duration.ofSeconds(9)).file("hf:owner/other", DownloadProgress.NONE)).getMessage()
                .contains("there is no such repository, revision or file"));
        assertTrue(assertThrows(HubException.class, () -> client(null, false, Duration.ofSeconds(9)).file("hf:owner/tiny-GGUF@v9:Q4_0", DownloadProgress.NONE))
                .getMessage().contains("there is no such repository, revision or file"));
    }

    @Test
    void aHubThatNeverRecoversIsGivenUp() {
        hub.next(Fault.SERVER_ERROR, Fault.SERVER_ERROR, Fault.SERVER_ERROR, Fault.SERVER_ERROR, Fault.SERVER_ERROR);
        assertTrue(assertThrows(HubException.class, this::pull).getMessage().contains("status 503"));
    }

    @Test
    void withoutANetworkWhatIsThereWillDo() throws Exception {
        Path file = pull();
        hub.close();
        assertEquals(file, pull());
        IOException e = assertThrows(IOException.class, () -> client(null, false, Duration.ofSeconds(2)).file("hf:owner/other:Q4_0", DownloadProgress.NONE));
        assertTrue(e.getMessage().contains("cannot be reached"), e.getMessage());
    }

    @Test
    void offlineNobodyIsAsked() throws Exception {
        FileNotFoundException e = assertThrows(FileNotFoundException.class, () -> client(null, true, Duration.ofSeconds(1)).file(MODEL, DownloadProgress.NONE));
        assertTrue(e.getMessage().contains("HF_HUB_OFFLINE"), e.getMessage());
        assertEquals(List.of(), hub.seen);
    }

    @Test
    void threadsThatWantTheSameModelDownloadItOnce() throws Exception {
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Callable<Path>> pulls = IntStream.range(0, 8).mapToObj(i -> (Callable<Path>) this::pull).toList();
            for (Future<Path> pulled : executor.invokeAll(pulls)) {
                assertComplete(pulled.get());
            }
        }
        assertEquals(1, hub.downloads.get());
    }

    @Test
    void allPartsOfASplitModelAreDownloaded() throws Exception {
        hub.with("UD/big-Q8_0-00002-of-00002.gguf", new byte[] {2}).with("UD/big-Q8_0-00001-of-00002.gguf", new byte[] {1});
        Path first = client(null, false, Duration.ofSeconds(9)).file("hf:owner/tiny-GGUF:Q8_0", DownloadProgress.NONE);
        assertEquals("big-Q8_0-00001-of-00002.gguf", first.getFileName().toString());
        assertArrayEquals(new byte[] {2}, Files.readAllBytes(first.resolveSibling("big-Q8_0-00002-of-00002.gguf")));
    }

    @Test
    void filesThatAreNoLinksAreTakenAsTheyAre() throws Exception {
        Path name = pull();
        Files.delete(name);
        Files.write(name, CONTENT); // what a cache without links has
        assertEquals(name, pull());
        assertEquals(1, hub.downloads.get());
    }

    @Test
    void progressEndsWithTheWholeFile() throws Exception {
        List<Long> done = new ArrayList<>();
        hub.next(Fault.DROP);
        client(null, false, Duration.ofSeconds(9)).file(MODEL, (file, bytes, total) -> {
            assertEquals(NAME, file);
            assertEquals(CONTENT.length, total);
            done.add(bytes);
        });
        assertEquals(done.stream().sorted().toList(), done);
        assertEquals(CONTENT.length, done.getLast());
    }

    @Test
    void namesThatLeadOutOfTheCacheAreNotTaken() throws Exception {
        FileNotFoundException e = assertThrows(FileNotFoundException.class,
                () -> client(null, false, Duration.ofSeconds(9)).file("hf:owner/tiny-GGUF:evil", DownloadProgress.NONE));
        assertFalse(e.getMessage().contains(".."), e.getMessage());
    }

    @Test
    void aFileIsItsOwnName() throws Exception {
        assertEquals(Path.of("a/b.gguf"), client(null, true, Duration.ofSeconds(1)).file("a/b.gguf", DownloadProgress.NONE));
        assertEquals(List.of(), hub.seen);
    }
}
