"""What people say of themselves, and what they ask about it later."""

from random import Random

from dialogs import spoken
from facts import ANIMALS, CODE_WORDS, COLORS, COUNTRIES, FOODS, JOBS, NAMES, invented_word
from questions import question
from sample import Sample

# Values, whether others than these occur, how it is said, what the model replies, how it is asked for, the answer, the answer if it was never said.
REFERENCES = [
    (NAMES, True, ["My name is {}.", "I am {}.", "I'm {}.", "Call me {}.", "Hello, my name is {}.", "Hi, I am {}.", "my name is {}", "Hi, I'm {}!"],
     "Nice to meet you, {}!",
     ["What is my name?", "Do you remember my name?", "Who am I?", "What's my name?", "Tell me my name.", "How am I called?", "Do you know my name?"],
     "Your name is {}.", "You have not told me your name."),
    (COLORS, False, ["My favorite color is {}.", "I like the color {} best.", "The color I love most is {}."], "I will remember that you like {}.",
     ["What is my favorite color?", "Which color do I like best?", "Tell me my favorite color.", "Do you know my favorite color?"],
     "Your favorite color is {}.", "You have not told me your favorite color."),
    ([str(n) for n in range(5, 99)], False, ["I am {} years old.", "My age is {}.", "I'm {} years old."], "So you are {} years old.",
     ["How old am I?", "What is my age?", "Do you know how old I am?", "Tell me my age."], "You are {} years old.", "You have not told me your age."),
    ([city for _, city, _ in COUNTRIES], True, ["I live in {}.", "My home is in {}.", "I come from {}.", "I am from {}."], "{} is a nice place.",
     ["Where do I live?", "In which city do I live?", "Which city is my home?", "Do you remember where I live?"], "You live in {}.",
     "You have not told me where you live."),
    (ANIMALS, True, ["I have a {}.", "My pet is a {}.", "At home I have a {}."], "A {} is a good friend.",
     ["Which animal do I have?", "What is my pet?", "Which pet do I have?", "What animal is my pet?"], "Your pet is a {}.", "You have not told me about a pet."),
    (JOBS, True, ["I am a {}.", "I work as a {}.", "My job is {}."], "Being a {} is good work.",
     ["What is my job?", "What do I work as?", "Which job do I have?"], "You are a {}.", "You have not told me your job."),
    (FOODS, True, ["I like to eat {}.", "My favorite food is {}.", "I love {}."], "{} sounds good.",
     ["What do I like to eat?", "What is my favorite food?", "Which food do I love?"], "You like to eat {}.", "You have not told me what you like to eat."),
    (CODE_WORDS, True, ["The password is {}.", "Remember the word {}.", "The secret word is {}."], "I will remember the word {}.",
     ["What is the password?", "Which word did I tell you?", "What was the secret word?"], "The word is {}.", "You have not told me a word."),
]


def capitalized(text: str) -> str:
    return text[0].upper() + text[1:]


def statement(rng: Random, kind: int) -> tuple:
    """(value, how it is said, what the model replies)"""
    values, open_ended, said, reply = REFERENCES[kind][:4]
    value = rng.choice(values)
    if open_ended and rng.random() < 0.4:
        value = invented_word(rng, (1, 2, 2, 3))
        if values[0][0].isupper():
            value = value.capitalize()
    return value, spoken(rng, rng.choice(said)).format(value), capitalized(reply.format(value))


def asked_back(rng: Random, kind: int, told: dict) -> tuple:
    """(the question for what was told, its answer)"""
    _, _, _, _, questions, answer, not_told = REFERENCES[kind]
    return spoken(rng, rng.choice(questions)), answer.format(told[kind]) if kind in told else not_told


def reference(rng: Random) -> Sample:
    """Something is told, and asked for some turns later."""
    told, pairs = {}, []
    for kind in rng.sample(range(len(REFERENCES)), rng.choice([1, 1, 2, 3])):
        told[kind], said, reply = statement(rng, kind)
        pairs.append((said, reply))
    for _ in range(rng.choice([0, 0, 1, 2])):
        between = question(rng)
        pairs.insert(rng.randrange(len(pairs) + 1), (between.text, between.answer))
    messages = [message for text, answer in pairs for message in (("user", text), ("model", answer))]
    text, answer = asked_back(rng, rng.choice(list(told)), told)
    return Sample("reference", messages + [("user", text)], answer, match="contains", expected=answer.rstrip("."))
