"""The training mixture: which dialogs, how often; and the side of the hold-out that each falls on."""

from random import Random

from dialogs import beyond, follow_up, json_object, plain, reference, repeating, statement, system, talk, thinking
from recall import recall
from sample import Sample
from stories import story
from tools import no_tool, tool_answer, tool_call, tools_again

SHORT = {plain: 38, system: 9, thinking: 8, reference: 7, follow_up: 4, json_object: 6, repeating: 3, talk: 2, beyond: 1.5, statement: 2, story: 3, tool_call: 8, tool_answer: 5,
         no_tool: 1.5, tools_again: 1.5}


def training_dialog(rng: Random) -> Sample:
    """A short dialog of the training side. Small talk is the same on both sides."""
    while True:
        sample = rng.choices(list(SHORT), list(SHORT.values()))[0](rng)
        if sample.skill == "talk" or not sample.held_out():
            return sample


def training_document(rng: Random, tokens: int) -> Sample:
    """A long document of the training side."""
    while True:
        sample = recall(rng, tokens)
        if not sample.held_out():
            return sample
