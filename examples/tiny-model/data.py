"""Batches of packed dialogs: batch number n depends on the seed and on n alone, whoever makes it and when."""

from random import Random

import numpy as np
from torch.utils.data import Dataset

from mixture import training_dialog, training_document
from tokenizer import Tokenizer

IGNORED = -100
SHORT_ROW, LONG_ROW = 512, 1664
TOKENS_PER_BATCH = 16640
# From these parts of the training on there are long documents, and documents of full length.
LONG_FROM, LONGEST_FROM = 0.25, 0.5
LONG_SHARE = 0.4
LONGEST_DOCUMENT, LONG_DOCUMENT, SHORT_DOCUMENT = 1520, 800, 400
DOCUMENT_SHARE = 0.06


class Batches(Dataset):
    """`steps` batches of arrays [rows][tokens]: token ids, labels, positions, and the number of the dialog within its row."""

    def __init__(self, seed: int, steps: int):
        self.seed, self.steps = seed, steps
        self.tokenizer = None

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> dict:
        self.tokenizer = self.tokenizer or Tokenizer.load()
        rng = Random(f"{self.seed} {step}")
        done = step / self.steps
        long = done >= LONG_FROM and rng.random() < LONG_SHARE
        width = LONG_ROW if long else SHORT_ROW
        longest = LONGEST_DOCUMENT if done >= LONGEST_FROM else LONG_DOCUMENT
        rows = TOKENS_PER_BATCH // width
        batch = {name: np.zeros((rows, width), np.int64) for name in ("ids", "positions", "dialogs")}
        batch["labels"] = np.full((rows, width), IGNORED, np.int64)
        for row in range(rows):
            samples = [training_document(rng, rng.randrange(150, longest))] if long else []
            self.fill(rng, {name: values[row] for name, values in batch.items()}, samples)
        return batch

    def fill(self, rng: Random, row: dict, samples: list):
        """Packs `samples` and then random dialogs into a row, until a few in a row do not fit."""
        start, number, misses = 0, 1, 0
        while misses < 3:
            if samples:
                sample = samples.pop()
            else:
                sample = training_document(rng, rng.randrange(20, SHORT_DOCUMENT)) if rng.random() < DOCUMENT_SHARE else training_dialog(rng)
            ids, learned = [], []
            for text, learn in sample.segments() + [(sample.target(), True)]:
                tokens = self.tokenizer.encode(text)
                ids += tokens
                learned += [learn] * len(tokens)
            end = start + len(ids) - 1
            if end > len(row["ids"]):
                misses += 1
                continue
            row["ids"][start:end] = ids[:-1]
            row["labels"][start:end] = [token if learn else IGNORED for token, learn in zip(ids[1:], learned[1:])]
            row["positions"][start:end] = range(end - start)
            row["dialogs"][start:end] = number
            start, number, misses = end, number + 1, 0
