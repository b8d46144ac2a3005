"""The training mixture: which dialogs, how often; and the side of the hold-out that each falls on."""

from random import Random

from conversations import conversation
from dialogs import json_object, plain, repeating, system, thinking
from recall import recall
from sample import Sample
from stories import story
from talk import beyond, talk
from told import reference
from tools import no_tool, tool_answer, tool_call, tools_again


def short_conversation(rng: Random) -> Sample:
    return conversation(rng, rng.randrange(1, 9))


SHORT = {plain: 36, system: 9, thinking: 8, reference: 6, short_conversation: 14, json_object: 6, repeating: 3, talk: 2, beyond: 1.5, story: 3, tool_call: 7,
         tool_answer: 4, no_tool: 2, tools_again: 1}
# A long document is a conversation this often, of turns of this many tokens on average.
CONVERSATION_SHARE = 0.2
TOKENS_PER_TURN = 42


def training_dialog(rng: Random) -> Sample:
    """A short dialog of the training side. Small talk is the same on both sides."""
    while True:
        sample = rng.choices(list(SHORT), list(SHORT.values()))[0](rng)
        if sample.skill == "talk" or not sample.held_out():
            return sample


def training_document(rng: Random, tokens: int) -> Sample:
    """A long document or a long conversation of the training side."""
    while True:
        long_conversation = rng.random() < CONVERSATION_SHARE
        sample = conversation(rng, 1 + tokens // TOKENS_PER_TURN) if long_conversation else recall(rng, tokens)
        if not sample.held_out():
            return sample
