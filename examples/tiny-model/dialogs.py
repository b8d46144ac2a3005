"""Dialogs around the questions: plain, under a system instruction, over several turns, with thinking, as JSON; and small talk."""

import json
from dataclasses import replace
from random import Random

from facts import ANIMALS, CODE_WORDS, COLORS, COUNTRIES, FOODS, JOBS, NAMES, WEATHER, WORDS, invented_word
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
    exact = asked.skill not in ("capital", "currency", "opposites", "days", "months", "unknown")
    return Sample(asked.skill, [("user", spoken(rng, asked.text))], asked.answer, asked.key,
                  match="exact" if exact else "contains", expected=asked.answer if exact else asked.short)


def letters(asked: Question) -> bool:
    return asked.skill not in ("addition", "subtraction", "counting", "spelling", "unknown")


def system(rng: Random) -> Sample:
    asked = question(rng)
    kind = rng.choice(["upper", "brief", "brief", "lower", "closing"])
    while kind == "upper" and (not letters(asked) or len(asked.answer) > 60) or kind == "lower" and not letters(asked) or asked.skill == "unknown":
        asked = question(rng)
    persona = rng.choice(["", "", "You are a helpful assistant. ", "You are a friendly teacher. ", "You help people. "])
    match = "exact"
    if kind == "upper":
        rule = rng.choice(["Answer in upper case.", "Always answer in capital letters.", "Write everything in upper case.", "Use only upper case letters.",
                           "Answer in UPPER CASE.", "Reply in capital letters only.", "All your answers are in upper case."])
        answer, match = asked.answer.upper(), "upperCase"
    elif kind == "lower":
        rule = rng.choice(["Answer in lower case.", "Write everything in lower case.", "Use only lower case letters.", "Always answer in lower case."])
        answer = asked.answer.lower()
    elif kind == "brief":
        rule = rng.choice(["Be brief.", "Answer briefly.", "Keep your answers short.", "Answer with as few words as possible.", "You are terse.", "Be very brief.",
                           "Give only the answer.", "Answer only with the result.", "Use as few words as you can.", "Short answers only."])
        answer, match = asked.short, f"words<={len(asked.short.split())}"
    else:
        word = rng.choice(["Goodbye!", "Over.", "Have a nice day!", "I hope this helps."])
        rule = rng.choice([f"End every answer with: {word}", f"Always finish with: {word}", f"Close each answer with the words: {word}"])
        answer = asked.answer + ("" if asked.answer.endswith(".") else ".") + " " + word
    expected = asked.short if kind == "brief" else asked.short.upper() if kind == "upper" else answer
    return Sample("system", [("user", spoken(rng, asked.text))], answer, asked.key, system=(persona + rule).strip(), match=match, expected=expected)


def thinking(rng: Random) -> Sample:
    asked = question(rng)
    return Sample("thinking", [("user", spoken(rng, asked.text))], f"<|channel>thought\n{asked.thought}\n<channel|>{asked.answer}", asked.key,
                  thinking=True, match="thought", expected=asked.answer)


def capitalized(text: str) -> str:
    return text[0].upper() + text[1:]


# What a person can say of themselves: values, how to say it, what was noted, how to ask, what the answer is.
REFERENCES = [
    (NAMES, ["My name is {}.", "I am {}.", "I'm {}.", "Call me {}.", "Hello, my name is {}.", "Hi, I am {}."], "Nice to meet you, {}!",
     ["What is my name?", "Do you remember my name?", "Who am I?", "What's my name?", "Tell me my name.", "How am I called?"], "Your name is {}."),
    (COLORS, ["My favorite color is {}.", "I like the color {} best.", "The color I love most is {}."], "I will remember that you like {}.",
     ["What is my favorite color?", "Which color do I like best?", "Tell me my favorite color.", "Do you know my favorite color?"], "Your favorite color is {}."),
    ([str(n) for n in range(5, 99)], ["I am {} years old.", "My age is {}.", "I'm {} years old."], "So you are {} years old.",
     ["How old am I?", "What is my age?", "Do you know how old I am?", "Tell me my age."], "You are {} years old."),
    ([city for _, city, _ in COUNTRIES], ["I live in {}.", "My home is in {}.", "I come from {}."], "{} is a nice city.",
     ["Where do I live?", "In which city do I live?", "Which city is my home?", "Do you remember where I live?"], "You live in {}."),
    (ANIMALS, ["I have a {}.", "My pet is a {}.", "At home I have a {}."], "A {} is a good friend.",
     ["Which animal do I have?", "What is my pet?", "Which pet do I have?", "What animal is my pet?"], "Your pet is a {}."),
    (JOBS, ["I am a {}.", "I work as a {}.", "My job is {}."], "Being a {} is good work.", ["What is my job?", "What do I work as?", "Which job do I have?"],
     "You are a {}."),
    (FOODS, ["I like to eat {}.", "My favorite food is {}.", "I love {}."], "{} sounds good.",
     ["What do I like to eat?", "What is my favorite food?", "Which food do I love?"], "You like to eat {}."),
    (CODE_WORDS, ["The password is {}.", "Remember the word {}.", "The secret word is {}."], "I will remember the word {}.",
     ["What is the password?", "Which word did I tell you?", "What was the secret word?"], "The word is {}."),
]


def reference(rng: Random) -> Sample:
    told = rng.sample(REFERENCES, rng.choice([1, 1, 2, 3]))
    values = [rng.choice(kind[0]) for kind in told]
    asked = rng.randrange(len(told))
    pairs = [(rng.choice(kind[1]).format(value), capitalized(kind[2].format(value))) for kind, value in zip(told, values)]
    for _ in range(rng.choice([0, 0, 1, 2])):
        between = question(rng)
        pairs.insert(rng.randrange(len(pairs) + 1), (between.text, between.answer))
    messages = [message for text, answer in pairs for message in (("user", text), ("model", answer))]
    messages.append(("user", spoken(rng, rng.choice(told[asked][3]))))
    answer = told[asked][4].format(values[asked])
    return Sample("reference", messages, answer, match="contains", expected=answer.rstrip("."))


def statement(rng: Random) -> Sample:
    """What a person says of themselves is noted, also in the middle of a conversation."""
    kind = rng.choice(REFERENCES)
    value = rng.choice(kind[0])
    earlier = [question(rng) for _ in range(rng.choice([0, 0, 1, 2]))]
    messages = [message for pair in earlier for message in (("user", pair.text), ("model", pair.answer))]
    answer = capitalized(kind[2].format(value))
    return Sample("statement", messages + [("user", spoken(rng, rng.choice(kind[1]).format(value)))], answer, match="exact", expected=answer)


def follow_up(rng: Random) -> Sample:
    """Several questions in one conversation; the last is answered as if it stood alone."""
    pairs = [question(rng) for _ in range(rng.randrange(1, 4))]
    messages = [message for pair in pairs for message in (("user", spoken(rng, pair.text)), ("model", pair.answer))]
    last = plain(rng)
    return replace(last, messages=messages + last.messages)


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


CAN = ("I know capitals and currencies, add and subtract numbers up to 99, name days, months and opposites, sort and spell words, "
       "tell short stories and call tools.")
TALK = [
    (["Hello", "Hello!", "Hi", "Hi!", "Hey", "Good morning!", "Good evening.", "Hi there", "Hello there!", "Good day"], "Hello! How can I help you?"),
    (["Who are you?", "What are you?", "What is your name?", "Tell me about yourself.", "Are you a robot?", "Introduce yourself.", "What's your name?"],
     "I am a tiny model of the Gemma 4 architecture, made for gemma4j."),
    (["What can you do?", "What do you know?", "How can you help me?", "Help", "What can I ask you?", "What are you good at?", "Help me"], CAN),
    (["How are you?", "How are you today?", "How do you do?", "Are you well?"], "I am fine, thank you. How can I help you?"),
    (["Thank you!", "Thanks", "Thanks a lot!", "Thank you very much.", "Thanks!"], "You are welcome!"),
    (["Goodbye", "Bye", "Bye!", "See you later.", "Good night!", "Good night"], "Goodbye! Have a nice day!"),
    (["Tell me a joke.", "Do you know a joke?", "Make me laugh.", "Say something funny."],
     "Why did the model cross the road? To get to the other token."),
    (["How big are you?", "How many parameters do you have?", "How large are you?", "Are you a large model?"], "I am very small: about seven million parameters."),
    (["Where do you live?", "Where are you?", "Where do you run?"], "I run on your machine, inside gemma4j."),
]
NOT_KNOWN = "I am too small to know that. " + CAN
BEYOND = ["Why is the sky blue?", "Write a poem about love.", "What is the meaning of life?", "Explain quantum physics.", "Write a program in Java.",
          "Who was the first man on the moon?", "How do I cook an egg?", "What is the tallest mountain?", "Who wrote this book?", "What happened last year?",
          "Translate this to French.", "What time is it?", "How far is the sun?", "Why do birds sing?", "What should I do today?", "Is there life on Mars?",
          "Write a haiku about Java", "Who is the president?", "What is love?", "Explain how a car works.", "What is 7 times 8?", "How old is the earth?",
          "Why is the {} {}?", "Explain {}.", "Who is {}?", "What is a {}?", "Write a poem about a {}.", "How does a {} work?", "Why does it {}?", "Who made the {}?",
          "Translate {} to German.", "Write code for a {}.", "What do you think about {}?", "Explain the {} to me.", "How do I make a {}?", "Where can I buy a {}?",
          "What is the best {}?", "When was the {} made?", "How many people live in {}?", "Write a haiku about {}", "Summarize the {}.", "Who invented the {}?",
          "What is the population of {}?", "Can you draw a {}?", "Recommend a {}.", "What is the weather in {}?", "Is the {} {}?", "Why are you {}?"]
BEYOND_WORDS = WORDS + NAMES + WEATHER + [country for country, _, _ in COUNTRIES]


def beyond(rng: Random) -> Sample:
    """What such a model cannot know, it says."""
    text = rng.choice(BEYOND)
    words = [invented_word(rng) if rng.random() < 0.5 else rng.choice(BEYOND_WORDS) for _ in range(text.count("{}"))]
    return Sample("beyond", [("user", spoken(rng, text.format(*words)))], NOT_KNOWN, match="exact", expected=NOT_KNOWN)


def talk(rng: Random) -> Sample:
    texts, answer = rng.choice(TALK)
    text = rng.choice(texts)
    if rng.random() < 0.3 and answer != TALK[0][1]:
        text = rng.choice(["Hello, ", "Hi, ", "Hello! ", "Hi! ", "Hey, "]) + (text[0].lower() + text[1:] if rng.random() < 0.5 else text)
    return Sample("talk", [("user", spoken(rng, text) if rng.random() < 0.3 else text)], answer, "talk", match="exact", expected=answer)
