"""Long documents in which something was said once, anywhere, and is asked for at the end."""

from random import Random

from facts import CODE_WORDS, COLORS, NAMES
from sample import Sample
from stories import short_sentence

# Sentences of stories.short_sentence come to this many tokens on average, the space before them included.
TOKENS_PER_SENTENCE = 10


def digits(rng: Random) -> str:
    return str(rng.randrange(1000, 10000))


# How it is said, how it is asked for, and the answer; {0} is what to recall and {1} whose it is.
NEEDLES = [
    (lambda rng: rng.choice(CODE_WORDS), ["The code word is {0}.", "Remember: the code word is {0}.", "The code word is {0}, do not forget it."],
     ["What is the code word?", "Which code word is in the text?", "Tell me the code word.", "What was the code word?", "Name the code word."], "The code word is {0}."),
    (digits, ["The secret number is {0}.", "Remember the secret number: {0}.", "Note that the secret number is {0}."],
     ["What is the secret number?", "Which secret number is in the text?", "Tell me the secret number."], "The secret number is {0}."),
    (lambda rng: rng.choice(COLORS), ["The magic color is {0}.", "Remember that the magic color is {0}."],
     ["What is the magic color?", "Tell me the magic color.", "Which color is the magic color?"], "The magic color is {0}."),
]
OWNED = (lambda rng: rng.choice(CODE_WORDS), ["The code word of {1} is {0}.", "Remember that the code word of {1} is {0}."],
         ["What is the code word of {1}?", "Tell me the code word of {1}."], "The code word of {1} is {0}.")

INTRODUCTIONS = ["Read this text: ", "Here is a text. ", "", "Remember what this text says. ", "Text: "]
RECEIPTS = ["I have read it.", "Thank you, I have read the text.", "I will remember it."]


def recall(rng: Random, tokens: int, depth: float = -1.0, needle: int = -1) -> Sample:
    """A document of about that many tokens; `depth` from 0 to 1 is where the first needle stands, `needle` its kind, both random if negative."""
    sentences = [short_sentence(rng) for _ in range(max(1, tokens // TOKENS_PER_SENTENCE))]
    asked = []
    kinds = [NEEDLES[needle]] if needle >= 0 else rng.sample(NEEDLES, rng.choice([1, 2, 3]))
    owners = iter(rng.sample(NAMES, 4))
    if needle < 0 and rng.random() < 0.4:
        kinds = kinds[:1] + [OWNED] * rng.randrange(1, 5)
    for kind in kinds:
        value, owner = kind[0](rng), next(owners) if kind is OWNED else ""
        place = rng.randrange(len(sentences) + 1) if depth < 0 else round(depth * len(sentences))
        sentences.insert(place, rng.choice(kind[1]).format(value, owner))
        asked.append((rng.choice(kind[2]).format(value, owner), kind[3].format(value, owner)))
    rng.shuffle(asked)
    text = rng.choice(INTRODUCTIONS) + " ".join(sentences)
    messages = []
    if rng.random() < 0.3:
        messages = [("user", text), ("model", rng.choice(RECEIPTS)), ("user", asked[0][0])]
    else:
        messages = [("user", text + rng.choice(["\n", "\n\n", " "]) + asked[0][0])]
    for before, after in zip(asked, asked[1:]):
        messages += [("model", before[1]), ("user", after[0])]
    return Sample("recall", messages, asked[-1][1], match="contains", expected=asked[-1][1].rstrip("."), learn_turns=True)
