"""The tokenizer of the tiny models: byte pair encoding in Gemma 4's form, with its control tokens, over their own small vocabulary.

python3 tokenizer.py > vocabulary.json
"""

import json
import re
import sys
from collections import Counter, defaultdict
from math import sqrt
from pathlib import Path
from random import Random

SPACE = "\u2581"
VOCABULARY_SIZE = 2048
SEED = 10
# Words seen less often than this get no tokens of their own: the invented ones.
RARE = 12

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6
# Text and GGUF type; the first five have the ids of the full vocabulary.
CONTROL_TOKENS = [("<pad>", CONTROL), ("<eos>", CONTROL), ("<bos>", CONTROL), ("<unk>", UNKNOWN), ("<mask>", CONTROL), ("<|tool>", CONTROL),
                  ("<tool|>", CONTROL), ("<|tool_call>", USER_DEFINED), ("<tool_call|>", USER_DEFINED), ("<|tool_response>", USER_DEFINED),
                  ("<tool_response|>", USER_DEFINED), ('<|"|>', USER_DEFINED), ("<|think|>", CONTROL), ("<|channel>", USER_DEFINED),
                  ("<channel|>", USER_DEFINED), ("<|turn>", CONTROL), ("<turn|>", CONTROL), ("<|image>", CONTROL), ("<image|>", CONTROL),
                  ("<|image|>", CONTROL), ("<|audio>", CONTROL), ("<audio|>", CONTROL), ("<|audio|>", CONTROL), ("<|video|>", CONTROL)]
NEWLINES = ["\n", "\n\n", "\n\n\n"]
CHARACTERS = [SPACE] + [chr(c) for c in range(0x21, 0x7F)]

CONTROL_TEXT = re.compile("(" + "|".join(re.escape(text) for text, _ in CONTROL_TOKENS) + ")")
# No merge of this vocabulary reaches beyond such a unit, so units are encoded one by one; digits stay single.
UNIT = re.compile(SPACE + "?[A-Za-z]+|\n+|.", re.DOTALL)


class Tokenizer:
    """Encodes like the runtime does: merges by rank, characters without a token as bytes, a run of newlines that is a token whole."""

    def __init__(self, vocabulary: dict):
        self.tokens = vocabulary["tokens"]
        self.types = vocabulary["types"]
        self.merges = [tuple(merge) for merge in vocabulary["merges"]]
        self.ids = {token: i for i, token in enumerate(self.tokens)}
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.units = {}

    @staticmethod
    def load() -> "Tokenizer":
        return Tokenizer(json.loads(Path(__file__).with_name("vocabulary.json").read_text()))

    def encode(self, text: str) -> list:
        """Token ids of a rendered prompt: control tokens written out become control tokens."""
        ids = []
        for part in CONTROL_TEXT.split(text):
            if CONTROL_TEXT.fullmatch(part):
                ids.append(self.ids[part])
            else:
                for unit in UNIT.findall(part.replace(" ", SPACE)):
                    if unit not in self.units:
                        self.units[unit] = self.encode_unit(unit)
                    ids += self.units[unit]
        return ids

    def encode_unit(self, unit: str) -> list:
        if unit in self.ids and unit[0] == "\n":
            return [self.ids[unit]]
        parts = []
        for character in unit:
            parts += [character] if character in self.ids else [f"<0x{byte:02X}>" for byte in character.encode()]
        while True:
            ranked = [(self.ranks.get(pair, len(self.ranks)), i) for i, pair in enumerate(zip(parts, parts[1:]))]
            rank, i = min(ranked, default=(len(self.ranks), 0))
            if rank == len(self.ranks):
                return [self.ids[part] for part in parts]
            parts[i:i + 2] = [parts[i] + parts[i + 1]]

    def decode(self, ids: list) -> str:
        """The text of tokens, control tokens written out."""
        data = b""
        for i in ids:
            token = self.tokens[i]
            data += bytes([int(token[3:5], 16)]) if self.types[i] == BYTE else token.replace(SPACE, " ").encode()
        return data.decode(errors="replace")


def words_of(texts) -> Counter:
    """How often each run of letters, with the space before it, occurs."""
    words = Counter()
    for text in texts:
        for part in CONTROL_TEXT.split(text):
            if not CONTROL_TEXT.fullmatch(part):
                words.update(unit for unit in UNIT.findall(part.replace(" ", SPACE)) if unit[-1].isalpha())
    return words


def learn_merges(words: Counter, count: int) -> list:
    """The most frequent pairs, merged one after the other. A word weighs the root of its count, so that rare names become tokens too."""
    parts = {word: list(word) for word in words}
    weights = {word: sqrt(n) for word, n in words.items()}
    pairs, where = defaultdict(float), defaultdict(set)
    for word in sorted(parts):
        for pair in zip(parts[word], parts[word][1:]):
            pairs[pair] += weights[word]
            where[pair].add(word)
    merges, tokens = [], set()
    while len(tokens) < count:
        best = max(pairs, key=lambda pair: (round(pairs[pair], 6), pair))
        merges.append(best)
        tokens.add("".join(best))
        for word in sorted(where[best]):
            old = parts[word]
            for pair in zip(old, old[1:]):
                pairs[pair] -= weights[word]
                where[pair].discard(word)
            new, i = [], 0
            while i < len(old):
                if tuple(old[i:i + 2]) == best:
                    new.append(old[i] + old[i + 1])
                    i += 2
                else:
                    new.append(old[i])
                    i += 1
            parts[word] = new
            for pair in zip(new, new[1:]):
                pairs[pair] += weights[word]
                where[pair].add(word)
        pairs.pop(best, None)
    return merges


def build() -> dict:
    """The vocabulary of the training mixture."""
    from mixture import training_dialog, training_document
    rng = Random(SEED)
    samples = [training_dialog(rng) for _ in range(60000)] + [training_document(rng, 400) for _ in range(500)]
    words = Counter({word: n for word, n in words_of(sample.prompt() + sample.target() for sample in samples).items() if n >= RARE})
    fixed = CONTROL_TOKENS + [(f"<0x{byte:02X}>", BYTE) for byte in range(256)] + [(run, USER_DEFINED) for run in NEWLINES] + [(c, NORMAL) for c in CHARACTERS]
    merges = learn_merges(words, VOCABULARY_SIZE - len(fixed))
    learned = list(dict.fromkeys("".join(pair) for pair in merges))
    return {"tokens": [token for token, _ in fixed] + learned, "types": [kind for _, kind in fixed] + [NORMAL] * len(learned), "merges": merges}


if __name__ == "__main__":
    json.dump(build(), sys.stdout)
