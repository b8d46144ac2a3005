"""One training or evaluation dialog, and how it is put into Gemma 4's prompt format."""

import zlib
from dataclasses import dataclass, field

THOUGHT_SKIPPED = "<|channel>thought\n<channel|>"
END_OF_TURN = "<turn|>"
END_OF_CALL = "<|tool_response>"


@dataclass
class Sample:
    """A dialog whose last turn is the model's: messages, then `answer`, which `match` compares with `expected`.

    A message is (role, text); role "tool" holds a whole call and its response, which continue in the model's turn.
    `key` decides on which side of the hold-out the sample falls: all samples of one question share it.
    With `learn_turns` the model also learns its earlier turns, not the last one alone.
    """

    skill: str
    messages: list
    answer: str
    key: str = ""
    system: str = ""
    tools: list = field(default_factory=list)
    thinking: bool = False
    match: str = "exact"
    expected: str = ""
    learn_turns: bool = False

    def held_out(self) -> bool:
        return held_out(self.key or "\n".join(text for _, text in self.messages))

    def segments(self) -> list:
        """The dialog as (text, whether the model learns to generate it), without the answer."""
        parts = [("<bos>", False)]
        if self.thinking or self.tools or self.system:
            declared = "".join("<|tool>" + declaration(tool) + "<tool|>" for tool in self.tools)
            parts.append(("<|turn>system\n" + ("<|think|>\n" if self.thinking else "") + self.system + declared + "<turn|>\n", False))
        previous = None
        for role, text in self.messages:
            if role == "user":
                parts.append(("<|turn>user\n" + text + "<turn|>\n", False))
            elif role == "model":
                parts += [("" if previous == "tool" else "<|turn>model\n", False), (text + "<turn|>", self.learn_turns), ("\n", False)]
            else:
                written, start, result = text.partition(END_OF_CALL)
                parts += [("<|turn>model\n", False), (written + start, self.learn_turns), (result, False)]
            previous = role
        if previous == "user":
            parts.append(("<|turn>model\n" + ("" if self.thinking else THOUGHT_SKIPPED), False))
        return parts

    def prompt(self) -> str:
        """Everything before the answer."""
        return "".join(text for text, _ in self.segments())

    def target(self) -> str:
        """What the model has to generate, with the token that ends it."""
        return self.answer + (END_OF_CALL if self.answer.endswith("<tool_call|>") else END_OF_TURN)


def held_out(key: str) -> bool:
    """Whether what has this key is kept for the evaluation: a tenth is."""
    return zlib.crc32(key.encode()) % 10 == 0


def quoted(text: str) -> str:
    return '<|"|>' + text + '<|"|>'


def declaration(tool: dict) -> str:
    """A function declaration. `tool` has name, description, parameters: name -> (type, description or list of allowed values)."""
    properties = []
    for name, (kind, detail) in sorted(tool["parameters"].items()):
        about = "enum:[" + ",".join(map(quoted, detail)) + "]" if isinstance(detail, list) else "description:" + quoted(detail)
        properties.append(name + ":{" + about + ",type:" + quoted(kind.upper()) + "}")
    required = ",".join(quoted(name) for name in tool["parameters"])
    return ("declaration:" + tool["name"] + "{description:" + quoted(tool["description"]) + ",parameters:{properties:{" + ",".join(properties)
            + "},required:[" + required + "],type:" + quoted("OBJECT") + "}}")


def call(name: str, arguments: dict) -> str:
    """A call as the model writes it; arguments are strings or integers."""
    written = ",".join(key + ":" + (quoted(value) if isinstance(value, str) else str(value)) for key, value in sorted(arguments.items()))
    return "<|tool_call>call:" + name + "{" + written + "}<tool_call|>"


def response(name: str, result: str) -> str:
    """What the application answers to a call."""
    return "<|tool_response>response:" + name + "{value:" + quoted(result) + "}<tool_response|>"
