import { copyButton, show } from "./markdown.js";

const $ = id => document.getElementById(id);
const NEAR_END_PIXELS = 80;

const page = {
  messages: $("messages"), welcome: $("welcome"), scroll: $("scroll"), question: $("question"), send: $("send"), stop: $("stop"), jump: $("jump"),
  settings: $("settings"), thinking: $("thinking"), system: $("system"), temperature: $("temperature"), maxTokens: $("max-tokens"), apiKey: $("api-key"),
};

/** What was said, as the API takes it. */
let conversation = [];
/** Ends the answer that is being given; null if there is none. */
let running = null;
let following = true;

// Settings stay in this browser; the key only as long as its tab.

const kept = [["system", localStorage], ["temperature", localStorage], ["maxTokens", localStorage], ["apiKey", sessionStorage]];

function restoreSettings() {
  kept.forEach(([name, storage]) => page[name].value = storage.getItem("gemma4j." + name) ?? "");
  page.thinking.checked = localStorage.getItem("gemma4j.thinking") === "true";
  const theme = localStorage.getItem("gemma4j.theme") ?? "auto";
  document.querySelector(`input[name=theme][value=${theme}]`).checked = true;
  applyTheme();
}

function keepSettings() {
  kept.forEach(([name, storage]) => storage.setItem("gemma4j." + name, page[name].value));
  localStorage.setItem("gemma4j.thinking", page.thinking.checked);
  localStorage.setItem("gemma4j.theme", chosenTheme());
  applyTheme();
}

const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

function chosenTheme() {
  return document.querySelector("input[name=theme]:checked").value;
}

function applyTheme() {
  const theme = chosenTheme();
  document.documentElement.dataset.theme = theme === "auto" ? systemIsDark.matches ? "dark" : "light" : theme;
}

// Elements of the conversation.

function element(name, className, text) {
  const node = document.createElement(name);
  node.className = className;
  if (text !== undefined) {
    node.textContent = text;
  }
  return node;
}

function button(text, action) {
  const node = element("button", "", text);
  node.type = "button";
  node.addEventListener("click", action);
  return node;
}

function addMessage(className) {
  page.welcome.hidden = true;
  const item = element("li", "message " + className);
  page.messages.append(item);
  return item;
}

/** An answer as it grows. */
class AnswerView {
  constructor() {
    this.item = addMessage("answer running");
    this.text = element("div", "text");
    this.item.append(this.text);
    this.content = "";
    this.thoughts = "";
    this.started = performance.now();
    this.scheduled = false;
  }

  addThought(piece) {
    if (!this.thoughtsView) {
      this.thoughtsView = element("details", "thoughts");
      this.thoughtsTitle = element("summary", "", "Thinking…");
      this.thoughtsText = element("div", "");
      this.thoughtsView.append(this.thoughtsTitle, this.thoughtsText);
      this.item.prepend(this.thoughtsView);
    }
    this.thoughts += piece;
    this.draw();
  }

  addText(piece) {
    if (this.content === "") {
      this.endThoughts();
    }
    this.content += piece;
    this.draw();
  }

  endThoughts() {
    if (this.thoughtsTitle) {
      this.thoughtsTitle.textContent = `Thought for ${((performance.now() - this.started) / 1000).toFixed(1)} s`;
    }
  }

  // At most once in a frame, however fast the pieces come.
  draw() {
    if (!this.scheduled) {
      this.scheduled = true;
      requestAnimationFrame(() => this.drawNow());
    }
  }

  drawNow() {
    this.scheduled = false;
    if (this.thoughtsText) {
      this.thoughtsText.textContent = this.thoughts;
    }
    show(this.text, this.content);
    follow();
  }

  end(notes) {
    if (this.content === "") {
      this.endThoughts();
    }
    this.drawNow();
    this.item.classList.remove("running");
    const foot = element("div", "foot");
    foot.append(copyButton(() => this.content), button("Try again", () => retry(this.item)), element("span", "", notes.join(" · ")));
    this.item.append(foot);
    follow();
  }

  fail(message) {
    this.drawNow();
    this.item.classList.remove("running");
    const error = element("div", "error", message + " ");
    error.setAttribute("role", "alert");
    error.append(button("Try again", () => retry(this.item)));
    this.item.append(error);
    follow();
  }
}

function follow() {
  if (following) {
    page.scroll.scrollTop = page.scroll.scrollHeight;
  }
}

// Talking with the server.

function headers() {
  const key = page.apiKey.value.trim();
  return { "Content-Type": "application/json", ...(key && { "Authorization": "Bearer " + key }) };
}

function requestBody() {
  const system = page.system.value.trim();
  const temperature = page.temperature.value;
  const maxTokens = page.maxTokens.value;
  return {
    messages: [...(system ? [{ role: "system", content: system }] : []), ...conversation],
    stream: true,
    stream_options: { include_usage: true },
    reasoning_effort: page.thinking.checked ? "high" : "none",
    ...(temperature !== "" && { temperature: Number(temperature) }),
    ...(maxTokens !== "" && { max_completion_tokens: Number(maxTokens) }),
  };
}

async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    rest += part.value;
    const complete = rest.split("\n\n");
    rest = complete.pop();
    for (const event of complete.filter(text => text.startsWith("data: ") && text !== "data: [DONE]")) {
      yield JSON.parse(event.slice("data: ".length));
    }
  }
}

async function errorMessage(response) {
  try {
    return (await response.json()).error.message;
  } catch {
    return `The server answered with status ${response.status}.`;
  }
}

async function answer() {
  const view = new AnswerView();
  const abort = new AbortController();
  running = abort;
  showRunning();
  follow();
  let counts = null;
  let reason = null;
  try {
    const response = await fetch("v1/chat/completions",
        { method: "POST", headers: headers(), body: JSON.stringify(requestBody()), signal: abort.signal });
    if (!response.ok) {
      throw new Error(await errorMessage(response));
    }
    for await (const event of events(response)) {
      if (event.error) {
        throw new Error(event.error.message);
      }
      counts = event.usage ? event : counts;
      const choice = event.choices[0];
      reason = choice?.finish_reason ?? reason;
      const delta = choice?.delta ?? {};
      if (delta.reasoning_content) {
        view.addThought(delta.reasoning_content);
      }
      if (delta.content) {
        view.addText(delta.content);
      }
    }
    view.end(notes(counts, reason));
  } catch (error) {
    if (abort.signal.aborted) {
      view.end(["stopped"]);
    } else {
      view.fail(error instanceof TypeError ? "The server cannot be reached." : error.message);
    }
  } finally {
    if (view.content !== "" && running === abort) {
      conversation.push({ role: "assistant", content: view.content });
    }
    if (running === abort) {
      running = null;
      showRunning();
    }
  }
}

function notes(counts, reason) {
  const all = [];
  if (reason === "length") {
    all.push("ended at its limit");
  }
  if (counts) {
    const { usage, timings } = counts;
    if (timings.decode_tokens_per_second) {
      all.push(`${timings.decode_tokens_per_second.toFixed(1)} tokens/s`);
    }
    all.push(`${usage.completion_tokens} tokens`);
    all.push(`prompt ${usage.prompt_tokens}, ${usage.prompt_tokens_details.cached_tokens} of it cached`);
  }
  return all;
}

function ask(text) {
  if (running || text.trim() === "") {
    return;
  }
  conversation.push({ role: "user", content: text });
  addMessage("user").textContent = text;
  page.question.value = "";
  fitQuestion();
  following = true;
  answer();
}

// Asks the question of an answer once more; what came after it is forgotten.
function retry(item) {
  if (running) {
    return;
  }
  const questions = [...page.messages.querySelectorAll(".user")].filter(user => user.compareDocumentPosition(item) & Node.DOCUMENT_POSITION_FOLLOWING);
  let seen = 0;
  conversation = conversation.slice(0, 1 + conversation.findIndex(message => message.role === "user" && ++seen === questions.length));
  while (page.messages.lastElementChild !== questions.at(-1)) {
    page.messages.lastElementChild.remove();
  }
  answer();
}

function stop() {
  running?.abort();
}

function newChat() {
  const abort = running;
  running = null;
  abort?.abort();
  conversation = [];
  page.messages.replaceChildren();
  page.welcome.hidden = false;
  following = true;
  showRunning();
  page.question.focus();
}

function showRunning() {
  page.stop.hidden = !running;
  page.send.hidden = Boolean(running);
  page.messages.setAttribute("aria-busy", Boolean(running));
  updateSend();
}

function updateSend() {
  page.send.disabled = page.question.value.trim() === "";
}

function fitQuestion() {
  page.question.style.height = "auto";
  page.question.style.height = page.question.scrollHeight + "px";
  updateSend();
}

async function showModel() {
  try {
    const response = await fetch("v1/models", { headers: headers() });
    $("model").textContent = response.ok ? (await response.json()).data[0].id : "needs an API key, see Settings";
  } catch {
    $("model").textContent = "not reachable";
  }
}

// What the user does.

$("composer").addEventListener("submit", event => {
  event.preventDefault();
  ask(page.question.value);
});
page.question.addEventListener("input", fitQuestion);
page.question.addEventListener("keydown", event => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    ask(page.question.value);
  }
});
page.stop.addEventListener("click", stop);
document.addEventListener("keydown", event => {
  if (event.key === "Escape" && !page.settings.open) {
    stop();
  } else if (event.altKey && event.code === "KeyN") {
    event.preventDefault();
    newChat();
  } else if (event.key === "/" && !event.target.closest("input, textarea, dialog")) {
    event.preventDefault();
    page.question.focus();
  }
});
$("new-chat").addEventListener("click", newChat);
$("suggestions").addEventListener("click", event => {
  if (event.target.closest("button")) {
    ask(event.target.textContent);
  }
});
$("settings-button").addEventListener("click", () => page.settings.showModal());
page.settings.addEventListener("close", () => {
  keepSettings();
  showModel();
});
page.thinking.addEventListener("change", keepSettings);
document.querySelectorAll("input[name=theme]").forEach(input => input.addEventListener("change", applyTheme));
systemIsDark.addEventListener("change", applyTheme);
page.scroll.addEventListener("scroll", () => {
  following = page.scroll.scrollHeight - page.scroll.scrollTop - page.scroll.clientHeight < NEAR_END_PIXELS;
  page.jump.hidden = following;
});
page.jump.addEventListener("click", () => {
  following = true;
  follow();
});

restoreSettings();
fitQuestion();
showModel();
