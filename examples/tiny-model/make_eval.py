"""Writes eval.jsonl: questions of the held-out side, a fixed number for each skill, always the same ones.

python3 make_eval.py > eval.jsonl
"""

import json
import re
from random import Random

from conversations import conversation
from dialogs import json_object, plain, system, thinking
from recall import recall
from sample import Sample
from stories import story
from talk import beyond, talk
from told import reference
from tools import no_tool, tool_answer, tool_call

SEED = 20
MAX_TOKENS = {"story": 220, "thinking": 160, "days": 60, "months": 80, "counting": 80, "toolCall": 80, "beyond": 80, "conversation": 100}
DEFAULT_MAX_TOKENS = 64
CASES = {"capital": 40, "currency": 40, "verdict": 30, "addition": 40, "subtraction": 40, "multiplication": 24, "days": 24, "months": 24,
         "counting": 24, "opposites": 24, "sorting": 30, "spelling": 24, "story": 20, "system": 36, "reference": 30, "toolCall": 30, "toolAnswer": 24,
         "noTool": 20, "thinking": 36, "json": 30, "talk": 24, "beyond": 20, "conversation": 36}
# Verdicts are counted by themselves: these skills are about how an answer is given.
VERDICT = re.compile("(yes|no)\\b", re.IGNORECASE)
WITHOUT_VERDICTS = {"system", "thinking"}
CONVERSATION_TURNS = range(10, 16)


def long_conversation(rng: Random) -> Sample:
    """Stories as the last turn are left out, which have no one right answer."""
    while True:
        sample = conversation(rng, rng.choice(CONVERSATION_TURNS))
        if sample.answer.count(". ") < 3:
            return sample


GENERATORS = {"story": story, "system": system, "reference": reference, "toolCall": tool_call, "toolAnswer": tool_answer, "noTool": no_tool,
              "thinking": thinking, "json": json_object, "talk": talk, "beyond": beyond, "conversation": long_conversation}
RECALL_LENGTHS = [200, 500, 1000, 1480]
RECALL_DEPTHS = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]


def cases() -> list:
    """Every case, skill after skill."""
    result = []
    for skill, count in CASES.items():
        rng = Random(f"{SEED} {skill}")
        prompts = set()
        while len(prompts) < count:
            sample = GENERATORS.get(skill, plain)(rng)
            held_out = skill == "talk" or sample.held_out()
            repeated = sample.prompt() in prompts or skill in WITHOUT_VERDICTS and VERDICT.match(sample.expected)
            if sample.skill == skill and held_out and not repeated:
                prompts.add(sample.prompt())
                result.append(case(sample))
    rng = Random(f"{SEED} recall")
    for length in RECALL_LENGTHS:
        for i, depth in enumerate(RECALL_DEPTHS):
            sample = recall(rng, length, depth, needle=(0, 1, 0, 0, 1, 0)[i])
            while not sample.held_out():
                sample = recall(rng, length, depth, needle=(0, 1, 0, 0, 1, 0)[i])
            result.append(case(sample))
    return result


def case(sample: Sample) -> dict:
    return {"skill": sample.skill, "prompt": sample.prompt(), "maxTokens": MAX_TOKENS.get(sample.skill, DEFAULT_MAX_TOKENS), "match": sample.match,
            "expected": sample.expected}


if __name__ == "__main__":
    for line in cases():
        print(json.dumps(line))
