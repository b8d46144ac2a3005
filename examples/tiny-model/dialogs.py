"""Dialogs around the questions: plain, under a system instruction, with thinking, as JSON."""

import json
from random import Random

from facts import ANIMALS, COLORS, COUNTRIES, FOODS, JOBS, NAMES, WORDS, invented_word
from questions import Question, question
from sample import Sample

GREETINGS = ["", "", "", "", "", "", "", "Hello! ", "Hi. ", "Please help me. ", "Hey! ", "One question: ", "Quick question: "]


def spoken(rng: Random, text: str) -> str:
    """The text as a person in a hurry might type it."""
    text = rng.choice(GREETINGS) + text if rng.random() < 0.3 else text
    chance = rng.random()
    if chance < 0.1:
        text = text[0].lower() + text[1:]
    elif chance < 0.15:
        text = text.lower()
    if rng.random() < 0.1 and text[-1] in ".?":
        text = text[:-1].rstrip()
    if rng.random() < 0.03:
        text += " Thank you."
    return text


def plain(rng: Random) -> Sample:
    asked = question(rng)
    exact = asked.skill not in ("capital", "currency", "opposites", "days", "months")
    return Sample(asked.skill, [("user", spoken(rng, asked.text))], asked.answer, asked.key,
                  match="exact" if exact else "contains", expected=asked.answer if exact else asked.short)


def letters(asked: Question) -> bool:
    return asked.skill not in ("addition", "subtraction", "multiplication", "counting", "spelling", "unknown")


def earlier_turns(rng: Random, asked: list, answers: list) -> list:
    """Messages of turns that came before."""
    return [message for question, answer in zip(asked, answers) for message in (("user", spoken(rng, question.text)), ("model", answer))]


def fits(kind: str, asked: Question) -> bool:
    """Whether a rule of that kind shows in the answer, and the answer is short enough for it."""
    if kind == "upper":
        return letters(asked) and len(asked.answer) <= 60
    return letters(asked) if kind == "lower" else asked.skill != "unknown"


def system(rng: Random) -> Sample:
    kind = rng.choice(["upper", "brief", "brief", "lower", "closing"])
    turns = []
    for _ in range(rng.choice([1, 1, 1, 2, 3, 4])):
        asked = question(rng)
        while not fits(kind, asked):
            asked = question(rng)
        turns.append(asked)
    persona = rng.choice(["", "", "You are a helpful assistant. ", "You are a friendly teacher. ", "You help people. "])
    match = "exact"
    if kind == "upper":
        rule = rng.choice(["Answer in upper case.", "Always answer in capital letters.", "Write everything in upper case.", "Use only upper case letters.",
                           "Answer in UPPER CASE.", "Reply in capital letters only.", "All your answers are in upper case."])
        answers, match = [turn.answer.upper() for turn in turns], "upperCase"
    elif kind == "lower":
        rule = rng.choice(["Answer in lower case.", "Write everything in lower case.", "Use only lower case letters.", "Always answer in lower case."])
        answers = [turn.answer.lower() for turn in turns]
    elif kind == "brief":
        rule = rng.choice(["Be brief.", "Answer briefly.", "Keep your answers short.", "Answer with as few words as possible.", "You are terse.", "Be very brief.",
                           "Give only the answer.", "Answer only with the result.", "Use as few words as you can.", "Short answers only."])
        answers, match = [turn.short for turn in turns], f"words<={len(asked.short.split())}"
    else:
        word = rng.choice(["Goodbye!", "Over.", "Have a nice day!", "I hope this helps."])
        rule = rng.choice([f"End every answer with: {word}", f"Always finish with: {word}", f"Close each answer with the words: {word}"])
        answers = [turn.answer + ("" if turn.answer.endswith(".") else ".") + " " + word for turn in turns]
    expected = asked.short if kind == "brief" else asked.short.upper() if kind == "upper" else answers[-1]
    messages = earlier_turns(rng, turns[:-1], answers) + [("user", spoken(rng, asked.text))]
    return Sample("system", messages, answers[-1], asked.key, system=(persona + rule).strip(), match=match, expected=expected)


def thinking(rng: Random) -> Sample:
    *before, asked = [question(rng) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
    messages = earlier_turns(rng, before, [turn.answer for turn in before]) + [("user", spoken(rng, asked.text))]
    return Sample("thinking", messages, f"<|channel>thought\n{asked.thought}\n<channel|>{asked.answer}", asked.key,
                  thinking=True, match="thought", expected=asked.answer)


def json_object(rng: Random) -> Sample:
    fields = {"name": rng.choice(NAMES), "age": rng.randrange(5, 99), "city": rng.choice(COUNTRIES)[1], "color": rng.choice(COLORS), "pet": rng.choice(ANIMALS),
              "job": rng.choice(JOBS), "count": rng.randrange(100), "food": rng.choice(FOODS)}
    keys = rng.sample(sorted(fields), rng.choice([1, 2, 2, 3, 3]))
    listed = [f"{key} {fields[key]}" for key in keys]
    spoken_list = ", ".join(listed[:-1]) + " and " + listed[-1] if len(listed) > 1 else listed[0]
    text = rng.choice([f"Give me a JSON object with {spoken_list}.", f"Write a JSON object with {spoken_list}.", f"Make JSON with {spoken_list}.",
                       f"Return {spoken_list} as JSON.", f"JSON with {spoken_list}, please.", f"Answer with a JSON object: {spoken_list}.",
                       f"Put this into a JSON object: {spoken_list}", f"Create a JSON object that has {spoken_list}.", f"As JSON: {spoken_list}"])
    answer = json.dumps({key: fields[key] for key in keys})
    return Sample("json", [("user", text)], answer, match="json", expected=answer)


def repeating(rng: Random) -> Sample:
    """Copying teaches to look back."""
    words = [rng.choice([rng.choice(WORDS), rng.choice(NAMES), invented_word(rng), str(rng.randrange(10000))]) for _ in range(rng.randrange(1, 14))]
    listed = " ".join(words)
    text = rng.choice([f"Repeat: {listed}", f"Say this again: {listed}", f"Repeat after me: {listed}", f"Copy these words: {listed}"])
    return Sample("repeating", [("user", text)], "You said: " + listed, match="exact", expected="You said: " + listed)
