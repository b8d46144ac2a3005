package io.gemma4j.examples.server;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.microsoft.playwright.Browser.NewContextOptions;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Route;
import com.microsoft.playwright.options.ColorScheme;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** The page at / in a browser. */
@Timeout(120)
class ChatPageTest {
    private static Browser browser;
    private static TestServer server;
    private final List<String> complaints = new ArrayList<>();
    private final List<String> asked = new ArrayList<>();
    private BrowserContext context;
    private Page page;

    @BeforeAll
    static void start() throws Exception {
        browser = Browser.start();
        server = TestServer.startSlow(TestServer.options(1, 1, Duration.ofMinutes(2)));
    }

    @AfterAll
    static void stop() {
        if (server != null) {
            server.close();
            browser.close();
        }
    }

    @BeforeEach
    void open() {
        open(new NewContextOptions().setPermissions(List.of("clipboard-read", "clipboard-write")));
    }

    private void open(NewContextOptions options) {
        close();
        context = browser.chromium.newContext(options);
        page = context.newPage();
        page.setDefaultTimeout(30_000);
        page.onConsoleMessage(message -> {
            if (message.type().equals("error") && !message.text().contains("status of 4")) {
                complaints.add(message.text());
            }
        });
        page.onPageError(complaints::add);
        page.onRequest(request -> asked.add(request.url()));
        page.navigate(server.url() + "/");
    }

    @AfterEach
    void close() {
        if (context != null) {
            context.close();
        }
        assertEquals(List.of(), complaints);
        assertTrue(asked.stream().allMatch(url -> url.startsWith(server.url() + "/")), asked.toString());
    }

    private void ask(String text) {
        page.locator("#question").fill(text);
        page.keyboard().press("Enter");
    }

    private Locator lastAnswer() {
        return page.locator(".answer").last();
    }

    private Locator answered() {
        Locator foot = lastAnswer().locator(".foot");
        foot.waitFor();
        return lastAnswer().locator(".text");
    }

    /** Has the page believe that the model says a text. */
    private void says(String text) throws Exception {
        ObjectMapper json = new ObjectMapper();
        StringBuilder body = new StringBuilder();
        for (int from = 0; from < text.length(); from += 3) {
            ObjectNode event = json.createObjectNode();
            event.putArray("choices").addObject().putObject("delta").put("content", text.substring(from, Math.min(text.length(), from + 3)));
            body.append("data: ").append(json.writeValueAsString(event)).append("\n\n");
        }
        page.route("**/v1/chat/completions", route -> route.fulfill(new Route.FulfillOptions().setContentType("text/event-stream")
                .setBody(body + "data: [DONE]\n\n")));
    }

    @Test
    void questionIsAnsweredAndTheConversationGoesOn() {
        assertThat(page.locator("#model")).hasText(TestServer.MODEL);
        page.getByText("What is the capital of Canada?").click();
        assertThat(answered()).hasText(Pattern.compile("Ottawa"));
        ask("I love apple.");
        answered();
        ask("What is my favorite food?");
        assertThat(answered()).hasText(Pattern.compile("apple"));
        assertThat(page.locator(".user")).hasCount(3);
        assertThat(lastAnswer().locator(".foot")).hasText(Pattern.compile("tokens/s.*tokens.*[1-9]\\d* of it cached"));
        page.locator("#new-chat").click();
        assertThat(page.locator(".message")).hasCount(0);
        assertThat(page.locator("#welcome")).isVisible();
    }

    @Test
    void thoughtsAreFolded() {
        page.locator("#thinking").check();
        ask("88 - 41 = ?");
        assertThat(answered()).hasText(Pattern.compile("47"));
        assertThat(lastAnswer().locator("summary")).hasText(Pattern.compile("Thought for .* s"));
        assertThat(lastAnswer().locator(".thoughts > div")).isHidden();
        lastAnswer().locator("summary").click();
        assertThat(lastAnswer().locator(".thoughts > div")).hasText(Pattern.compile("8"));
    }

    @Test
    void stopButtonAndEscapeEndTheAnswerAndFreeTheServer() {
        for (String key : List.of("button", "Escape")) {
            ask("word ".repeat(3000));
            assertThat(page.locator("#stop")).isVisible();
            TestServer.await("the server is at work", () -> server.busy() == 1);
            if (key.equals("button")) {
                page.locator("#stop").click();
            } else {
                page.keyboard().press(key);
            }
            assertThat(lastAnswer().locator(".foot")).hasText(Pattern.compile("stopped"));
            assertThat(page.locator("#send")).isVisible();
            TestServer.await("the slot is free", () -> server.busy() == 0);
            page.locator("#new-chat").click();
        }
    }

    @Test
    void markdownIsShown() throws Exception {
        says("""
                # Title
                Some **bold**, *slanted*, ~~gone~~ and `code` with snake_case_name and 2 * 3 * 4.
                A second line, see [the docs](https://example.org/a_(b)?q=1 "t") or https://example.org/x.

                1. one
                2. two
                   - inner
                     more

                > quoted
                > text

                | left | right |
                |:-----|------:|
                | a \\| b | 1 |

                ```java
                int a = 1 < 2 ? 3 : 4; // *not slanted*
                ```
                ---
                last""");
        ask("x");
        Locator text = answered();
        assertThat(text.locator("h3")).hasText("Title");
        assertThat(text.locator("strong")).hasText("bold");
        assertThat(text.locator("em")).hasText("slanted");
        assertThat(text.locator("p code")).hasText("code");
        assertThat(text.locator("p").first()).hasText(Pattern.compile("snake_case_name and 2 \\* 3 \\* 4"));
        assertThat(text.locator("p br")).hasCount(2);
        assertEquals(List.of("https://example.org/a_(b)?q=1", "https://example.org/x"),
                text.locator("a").all().stream().map(link -> link.getAttribute("href")).toList());
        assertThat(text.locator("ol > li")).hasCount(2);
        assertThat(text.locator("ol ul > li")).hasText(Pattern.compile("inner\\s*more"));
        assertThat(text.locator("blockquote p")).hasText(Pattern.compile("quoted\\s*text"));
        assertThat(text.locator("td").first()).hasText("a | b");
        assertThat(text.locator("td.right")).hasText("1");
        assertEquals("int a = 1 < 2 ? 3 : 4; // *not slanted*", text.locator("pre").innerText());
        assertThat(text.locator("hr")).hasCount(1);
        text.locator(".code button").click();
        assertEquals("int a = 1 < 2 ? 3 : 4; // *not slanted*", page.evaluate("navigator.clipboard.readText()"));
    }

    @Test
    void whatTheModelWritesNeverBecomesMarkup() throws Exception {
        String hostile = """
                <img src=x onerror="window.hacked = 1"> <script>window.hacked = 2</script>
                [click](javascript:window.hacked=3) [data](data:text/html,x) <javascript:alert(1)> ![tracker](https://evil.example/pixel.png)

                # <b>bold</b>
                - <i>item</i>

                | <u>a</u> | b |
                |---|---|
                | <svg onload=window.hacked=4> | `<s>` |

                ```<script>
                </code></pre><script>window.hacked = 5</script>
                ```
                **<iframe src="https://evil.example">**
                """;
        says(hostile);
        ask("<b>user</b>");
        Locator text = answered();
        assertEquals(0, text.locator("img, script, b, i, u, s, svg, iframe").count());
        // Addresses of web pages become links, which lead nowhere until they are clicked.
        assertEquals(List.of("https://evil.example/pixel.png", "https://evil.example/"), text.locator("a").all().stream().map(link -> link.getAttribute("href")).toList());
        assertThat(text).hasText(Pattern.compile("<img src=x onerror=.*<iframe"));
        assertEquals("<b>user</b>", page.locator(".user").innerText());
        assertEquals(true, page.evaluate("window.hacked === undefined"));
    }

    @Test
    void unfinishedMarkdownIsShownAsFarAsItGoes() throws Exception {
        for (String text : List.of("```python\nprint(1", "**bold", "[link](http", "| a | b |\n|--", "1. ", "# ", "`", "> ", "***", "__", "![")) {
            says(text);
            ask("x");
            assertTrue(answered().innerText().length() < 30, text);
            page.unroute("**/v1/chat/completions");
        }
    }

    @Test
    void failuresAreShownAndCanBeTriedAgain() {
        ask("word ".repeat(6000));
        assertThat(lastAnswer().locator(".error")).hasText(Pattern.compile("context length"));
        page.route("**/v1/chat/completions", route -> route.abort());
        ask("Hi");
        assertThat(lastAnswer().locator(".error")).hasText(Pattern.compile("cannot be reached"));
        complaints.clear(); // the browser's own words for that
        page.unroute("**/v1/chat/completions");
        page.locator("#new-chat").click();
        ask("What is the capital of Canada?");
        answered();
        lastAnswer().getByText("Try again").click();
        assertThat(answered()).hasText(Pattern.compile("Ottawa"));
        assertThat(page.locator(".message")).hasCount(2);
    }

    @Test
    void coloursFollowTheSystemUnlessOneIsChosen() {
        String light = background();
        page.emulateMedia(new Page.EmulateMediaOptions().setColorScheme(ColorScheme.DARK));
        assertThat(page.locator("html")).hasAttribute("data-theme", "dark");
        String dark = background();
        assertNotEquals(light, dark);
        page.locator("#settings-button").click();
        page.getByLabel("Light").check();
        page.getByText("Done").click();
        page.reload();
        assertEquals(light, background());
    }

    private String background() {
        return (String) page.evaluate("getComputedStyle(document.body).backgroundColor");
    }

    @Test
    void settingsAreSentWithTheQuestion() {
        List<String> bodies = new ArrayList<>();
        List<String> keys = new ArrayList<>();
        page.onRequest(request -> {
            if (request.method().equals("POST")) {
                bodies.add(request.postData());
                keys.add(request.headers().get("authorization"));
            }
        });
        page.locator("#settings-button").click();
        page.getByLabel("Instructions").fill("Answer in upper case.");
        page.getByLabel("Temperature").fill("0");
        page.getByLabel("Longest answer").fill("30");
        page.getByLabel("API key").fill("secret");
        page.keyboard().press("Enter");
        ask("What is the capital of Canada?");
        assertThat(answered()).hasText(Pattern.compile("OTTAWA"));
        assertTrue(bodies.getFirst().contains("\"temperature\":0,\"max_completion_tokens\":30"), bodies.toString());
        assertEquals(List.of("Bearer secret"), keys);
    }

    @Test
    void keyboardIsEnough() throws Exception {
        says("Hello");
        page.keyboard().type("one");
        page.keyboard().press("Shift+Enter");
        page.keyboard().type("two");
        assertEquals("one\ntwo", page.locator("#question").inputValue());
        page.keyboard().press("Enter");
        answered();
        assertEquals("one\ntwo", page.locator(".user").innerText());
        page.locator("#scroll").focus();
        page.keyboard().press("/");
        assertThat(page.locator("#question")).isFocused();
        page.keyboard().press("Alt+n");
        assertThat(page.locator(".message")).hasCount(0);
    }

    @Test
    void pageFitsAPhone() throws Exception {
        open(new NewContextOptions().setViewportSize(390, 844).setHasTouch(true).setIsMobile(true));
        says("A `" + "long".repeat(50) + "` word, and code:\n\n```\n" + "x = 1; ".repeat(60) + "\n```\n\n| a | b |\n|---|---|\n|" + "wide".repeat(40) + "|x|");
        ask("x");
        answered();
        assertEquals(390, page.evaluate("document.documentElement.scrollWidth"));
        assertThat(page.locator("#composer")).isVisible();
        assertTrue(page.locator("#composer").boundingBox().y + page.locator("#composer").boundingBox().height <= 844);
    }

    /** The pictures of the documents: a conversation with the embedded model, into the folder that is named. */
    @Test
    @EnabledIfSystemProperty(named = "gemma4j.screenshots", matches = ".+", disabledReason = "-Dgemma4j.screenshots=FOLDER takes pictures")
    void picturesAreTaken() throws Exception {
        close();
        asked.clear();
        server.close();
        server = TestServer.start(); // the fast kernels
        for (ColorScheme colours : List.of(ColorScheme.LIGHT, ColorScheme.DARK)) {
            open(new NewContextOptions().setColorScheme(colours).setViewportSize(1000, 840).setDeviceScaleFactor(2));
            page.locator("#settings-button").click();
            page.getByLabel("Temperature").fill("0");
            page.getByText("Done").click();
            ask("What is the capital of Canada?");
            answered();
            page.locator("#thinking").check();
            ask("88 - 41 = ?");
            answered();
            lastAnswer().locator("summary").click();
            page.locator("#thinking").uncheck();
            ask("Tell me a story.");
            answered();
            page.locator("#question").blur();
            page.screenshot(new Page.ScreenshotOptions()
                    .setPath(Path.of(System.getProperty("gemma4j.screenshots"), "chat-page-" + colours.name().toLowerCase(Locale.ROOT) + ".png")));
        }
    }
}
