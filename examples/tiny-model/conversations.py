"""Conversations of several turns of any kind, in each of which the model learns to answer."""

from dataclasses import dataclass, field
from random import Random

from dialogs import spoken
from questions import TOO_BIG, Question, follow_up, question
from sample import Sample, held_out
from stories import story
from talk import NOT_KNOWN, small_talk, unanswerable
from told import REFERENCES, asked_back, statement
from tools import NO_TOOL, Use, declarations, declared, without_tool


@dataclass
class Turn:
    """What the user says and the answer. `asked`, `used` and `told` are what later turns may come back to."""

    text: str
    answer: str
    key: str = ""
    asked: Question = None
    used: Use = None
    told: dict = field(default_factory=dict)


AGAIN = ["Repeat that.", "Say that again.", "Again, please.", "Can you repeat that?", "What did you say?", "Please say that again.", "Again"]
LONGEST_REPEATED = 120


def asked_turn(rng: Random, tools: list) -> Turn:
    asked = question(rng)
    while tools and (asked.skill == "multiplication" or asked.answer == TOO_BIG):
        asked = question(rng)
    return Turn(spoken(rng, asked.text), asked.answer, asked.key, asked=asked)


def tool_turn(rng: Random, tools: list) -> Turn:
    use = rng.choice(tools).use(rng)
    return Turn(spoken(rng, use.text), use.answer, use.text, used=use)


def told_turn(rng: Random) -> Turn:
    kind = rng.randrange(len(REFERENCES))
    value, said, reply = statement(rng, kind)
    return Turn(said, reply, told={kind: value})


def asked_back_turn(rng: Random, told: dict) -> Turn:
    kind = rng.choice(list(told)) if told and rng.random() < 0.85 else rng.randrange(len(REFERENCES))
    text, answer = asked_back(rng, kind, told)
    return Turn(text, answer, text + answer)


def story_turn(rng: Random) -> Turn:
    told = story(rng)
    return Turn(told.messages[0][1], told.answer, told.messages[0][1])


def next_turn(rng: Random, tools: list, told: dict, last: Turn) -> Turn:
    """Any turn that makes sense after `last`."""
    chance = rng.random()
    if last and last.asked and last.asked.about and chance < 0.3:
        asked = follow_up(rng, last.asked)
        return Turn(asked.text, asked.answer, asked.key, asked=asked)
    if last and last.used and chance < 0.3:
        return Turn(*small_talk(rng))
    if last and last.used and last.used.declared.kind.again and chance < 0.55:
        use = last.used.declared.use(rng, last.used.values)
        return Turn(use.text, use.answer, f"after {last.text}: {use.text}", used=use)
    if last and len(last.answer) <= LONGEST_REPEATED and rng.random() < 0.02:
        return Turn(rng.choice(AGAIN), last.answer)
    kind = rng.choices(["asked", "talk", "beyond", "told", "back", "story", "tool", "no tool"],
                       [30, 10, 3, 10, 14 if told else 2, 1, 30 if tools else 0, 4 if tools else 1])[0]
    if kind == "asked":
        return asked_turn(rng, tools)
    if kind == "talk":
        return Turn(*small_talk(rng))
    if kind == "beyond":
        text = unanswerable(rng)
        return Turn(text, NOT_KNOWN, text)
    if kind == "told":
        return told_turn(rng)
    if kind == "back":
        return asked_back_turn(rng, told)
    if kind == "story":
        return story_turn(rng)
    if kind == "tool":
        return tool_turn(rng, tools)
    text = without_tool(rng, tools)
    return Turn(spoken(rng, text), NO_TOOL, text)


def conversation(rng: Random, turns: int) -> Sample:
    """The last turn may be on either side of the hold-out, all before it are of the training side."""
    tools = declared(rng, rng.choice([1, 1, 2, 3])) if rng.random() < 0.35 else []
    messages, told, last = [], {}, None
    for number in range(turns):
        turn = next_turn(rng, tools, told, last)
        while number < turns - 1 and turn.key and held_out(turn.key):
            turn = next_turn(rng, tools, told, last)
        if last:
            messages.append(("model", last.answer))
        messages.append(("user", turn.text))
        if turn.used:
            messages.append(("tool", turn.used.turn()))
        told.update(turn.told)
        last = turn
    return Sample("conversation", messages, last.answer, last.key, tools=declarations(tools), match="exact", expected=last.answer, learn_turns=True)
