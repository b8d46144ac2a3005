// Shows markdown as elements. What the model writes becomes text nodes only, never markup, and nothing is loaded from elsewhere.

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^\s`]*)[^`]*$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const TABLE_LINE = /^\s*\|?(\s*:?-{2,}:?\s*\|)+\s*(:?-{2,}:?)?\s*$/;

/** Shows a text in an element. A longer version of what it shows already keeps the blocks that have not changed. */
export function show(element, text) {
  const blocks = split(text);
  const shown = element.shownBlocks ?? [];
  blocks.forEach((block, i) => {
    if (shown[i] === block) {
      return;
    }
    const node = render(block);
    if (i < element.children.length) {
      element.children[i].replaceWith(node);
    } else {
      element.append(node);
    }
  });
  while (element.children.length > blocks.length) {
    element.lastElementChild.remove();
  }
  element.shownBlocks = blocks;
}

// Cuts a text into blocks, each of which can be shown by itself.
function split(text) {
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  const blocks = [];
  let at = 0;
  while (at < lines.length) {
    const start = at;
    const fence = FENCE.exec(lines[at]);
    if (lines[at].trim() === "") {
      at++;
      continue;
    }
    if (fence) {
      at++;
      while (at < lines.length && !closes(lines[at], fence[1])) {
        at++;
      }
      at++;
    } else if (HEADING.test(lines[at]) || RULE.test(lines[at])) {
      at++;
    } else if (isTable(lines, at)) {
      at += 2;
      while (at < lines.length && lines[at].includes("|")) {
        at++;
      }
    } else if (lines[at].startsWith(">")) {
      while (at < lines.length && lines[at].startsWith(">")) {
        at++;
      }
    } else if (ITEM.test(lines[at])) {
      at++;
      while (at < lines.length && continuesList(lines, at)) {
        at++;
      }
    } else {
      at++;
      while (at < lines.length && lines[at].trim() !== "" && !startsBlock(lines, at)) {
        at++;
      }
    }
    blocks.push(lines.slice(start, at).join("\n"));
  }
  return blocks;
}

function closes(line, fence) {
  const trimmed = line.trim();
  return trimmed.length >= fence.length && trimmed === fence[0].repeat(trimmed.length);
}

function isTable(lines, at) {
  return lines[at].includes("|") && at + 1 < lines.length && TABLE_LINE.test(lines[at + 1]);
}

function startsBlock(lines, at) {
  return FENCE.test(lines[at]) || HEADING.test(lines[at]) || RULE.test(lines[at]) || ITEM.test(lines[at]) || lines[at].startsWith(">")
      || isTable(lines, at);
}

function continuesList(lines, at) {
  if (lines[at].trim() === "") {
    return at + 1 < lines.length && (ITEM.test(lines[at + 1]) || /^\s{2,}\S/.test(lines[at + 1]));
  }
  return ITEM.test(lines[at]) && !RULE.test(lines[at]) || /^\s{2,}/.test(lines[at]) || !startsBlock(lines, at) && lines[at - 1].trim() !== "";
}

function render(block) {
  const lines = block.split("\n");
  const fence = FENCE.exec(lines[0]);
  if (fence) {
    const end = lines.length > 1 && closes(lines.at(-1), fence[1]) ? -1 : undefined;
    return code(lines.slice(1, end).join("\n"), fence[2]);
  }
  const heading = HEADING.exec(lines[0]);
  if (heading) {
    return inline(document.createElement("h" + Math.min(5, heading[1].length + 2)), heading[2]);
  }
  if (RULE.test(lines[0])) {
    return document.createElement("hr");
  }
  if (isTable(lines, 0)) {
    return table(lines);
  }
  if (lines[0].startsWith(">")) {
    const quote = document.createElement("blockquote");
    show(quote, lines.map(line => line.replace(/^> ?/, "")).join("\n"));
    return quote;
  }
  return ITEM.test(lines[0]) ? list(lines) : inline(document.createElement("p"), block.trim());
}

function code(text, language) {
  const frame = document.createElement("div");
  frame.className = "code";
  const bar = document.createElement("div");
  const name = document.createElement("span");
  name.textContent = language || "text";
  bar.append(name, copyButton(() => text));
  const pre = document.createElement("pre");
  pre.tabIndex = 0; // so that the keyboard can scroll it
  const body = document.createElement("code");
  body.textContent = text;
  pre.append(body);
  frame.append(bar, pre);
  return frame;
}

/** A button that copies a text. */
export function copyButton(text) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
      button.textContent = "Copied";
    } catch {
      button.textContent = "The browser does not allow it";
    }
    setTimeout(() => button.textContent = "Copy", 2000);
  });
  return button;
}

function table(lines) {
  const frame = document.createElement("div");
  frame.className = "table";
  const element = document.createElement("table");
  const sides = cells(lines[1]).map(cell => cell.endsWith(":") ? cell.startsWith(":") ? "center" : "right" : "");
  element.createTHead().append(row(lines[0], "th", sides));
  element.createTBody().append(...lines.slice(2).map(line => row(line, "td", sides)));
  frame.append(element);
  return frame;
}

function cells(line) {
  return line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "").split(/(?<!\\)\|/).map(cell => cell.trim().replaceAll("\\|", "|"));
}

function row(line, kind, sides) {
  const element = document.createElement("tr");
  const texts = cells(line);
  sides.forEach((side, i) => {
    const cell = inline(document.createElement(kind), texts[i] ?? "");
    cell.className = side;
    element.append(cell);
  });
  return element;
}

function list(lines) {
  const first = ITEM.exec(lines[0]);
  const ordered = /\d/.test(first[2]);
  const element = document.createElement(ordered ? "ol" : "ul");
  if (ordered) {
    element.start = parseInt(first[2], 10);
  }
  const indent = first[1].length;
  let item = [];
  const add = () => {
    if (item.length > 0) {
      const entry = document.createElement("li");
      entries(entry, item);
      element.append(entry);
    }
  };
  for (const line of lines) {
    const match = ITEM.exec(line);
    if (match && match[1].length <= indent + 1) {
      add();
      item = [match[3]];
    } else {
      item.push(line);
    }
  }
  add();
  return element;
}

// The first lines of an item are its text, what is indented below are blocks of their own.
function entries(entry, lines) {
  let end = 1;
  while (end < lines.length && lines[end].trim() !== "" && !startsBlock(lines.map(line => line.trim()), end)) {
    end++;
  }
  inline(entry, lines.slice(0, end).map(line => line.trim()).join("\n"));
  const rest = lines.slice(end);
  if (rest.some(line => line.trim() !== "")) {
    const indents = rest.filter(line => line.trim() !== "").map(line => /^\s*/.exec(line)[0].length);
    const indent = Math.min(...indents);
    split(rest.map(line => line.slice(indent)).join("\n")).forEach(block => entry.append(render(block)));
  }
}

const INLINE = [
  [/^(`+)(?!`)([\s\S]*?[^`])\1(?!`)/, match => textElement("code", match[2].replace(/^ (.+) $/, "$1"))],
  [/^\*\*(?=\S)([\s\S]*?\S)\*\*/, match => inline(document.createElement("strong"), match[1])],
  [/^__(?=\S)([\s\S]*?\S)__(?!\w)/, match => inline(document.createElement("strong"), match[1])],
  [/^~~(?=\S)([\s\S]*?\S)~~/, match => inline(document.createElement("del"), match[1])],
  [/^\*(?=[^\s*])([\s\S]*?[^\s*])\*(?!\*)/, match => inline(document.createElement("em"), match[1])],
  [/^_(?=[^\s_])([\s\S]*?[^\s_])_(?!\w)/, match => inline(document.createElement("em"), match[1])],
  [/^!?\[([^\[\]]+)\]\(\s*<?([^\s<>()]+(?:\([^\s()]*\))?[^\s<>()]*)>?(?:\s+"[^"]*")?\s*\)/, match => link(match[2], match[1])],
  [/^<(https?:\/\/[^\s<>]+)>/, match => link(match[1], match[1])],
  [/^https?:\/\/[^\s<>"'`*]+[^\s<>"'`*.,;:!?)\]]/, match => link(match[0], match[0])],
  [/^\\([!-/:-@[-`{-~])/, match => document.createTextNode(match[1])],
  [/^ *\n/, () => document.createElement("br")],
];

function inline(element, text) {
  let plain = "";
  let at = 0;
  const flush = () => {
    element.append(plain);
    plain = "";
  };
  next: while (at < text.length) {
    // Within a word an underscore is one.
    const inWord = text[at] === "_" && at > 0 && /\w/.test(text[at - 1]);
    if (!inWord && /[`*_~![<h\\ \n]/.test(text[at])) {
      const rest = text.slice(at);
      for (const [pattern, make] of INLINE) {
        const match = pattern.exec(rest);
        const node = match && make(match);
        if (node) {
          flush();
          element.append(node);
          at += match[0].length;
          continue next;
        }
      }
    }
    plain += text[at++];
  }
  flush();
  return element;
}

function textElement(name, text) {
  const element = document.createElement(name);
  element.textContent = text;
  return element;
}

// Null for what is no address of a web page or of mail.
function link(address, text) {
  let url;
  try {
    url = new URL(address);
  } catch {
    return null;
  }
  if (!["http:", "https:", "mailto:"].includes(url.protocol)) {
    return null;
  }
  const element = textElement("a", text);
  element.href = url.href;
  element.target = "_blank";
  element.rel = "noopener noreferrer nofollow";
  return element;
}
