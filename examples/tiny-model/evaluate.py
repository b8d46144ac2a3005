"""Answers the questions of eval.jsonl greedily with transformers, and counts the right answers of each skill.

python3 evaluate.py tiny WEIGHTS.pt [--wrong N]
"""

import argparse
import json
from pathlib import Path

import torch

from model import create
from tokenizer import Tokenizer

ENDS = ["<eos>", "<turn|>", "<|tool_response>"]
TOKENS_PER_BATCH = 40000


@torch.no_grad()
def generate(model, prompts: list, limits: list, ends: list) -> list:
    """Greedy continuations of token lists, one batch, every step from the start; an end token is the last of a finished one."""
    device = model.lm_head.weight.device
    width = max(len(prompt) + limit for prompt, limit in zip(prompts, limits))
    ids = torch.zeros(len(prompts), width, dtype=torch.long, device=device)
    for row, prompt in enumerate(prompts):
        ids[row, :len(prompt)] = torch.tensor(prompt, device=device)
    lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
    stops = lengths + torch.tensor(limits, device=device)
    ends = torch.tensor(ends, device=device)
    active = torch.arange(len(prompts), device=device)
    while len(active):
        now = lengths[active]
        hidden = model.model(input_ids=ids[active, :now.max()], use_cache=False).last_hidden_state
        logits = model.lm_head(hidden[torch.arange(len(active), device=device), now - 1])
        # The cap of the logits does not change which is the greatest.
        token = logits.argmax(-1)
        ids[active, now] = token
        lengths[active] += 1
        active = active[~torch.isin(token, ends) & (lengths[active] < stops[active])]
    return [ids[row, len(prompt):lengths[row]].tolist() for row, prompt in enumerate(prompts)]


def passes(case: dict, output: str) -> bool:
    """Whether the output, up to the end of the generation, matches; README.md has the definition."""
    match, expected = case["match"], case["expected"]
    answer = output.rpartition("<channel|>")[2].strip()
    if match == "exact":
        return answer == expected
    if match == "contains":
        return expected in answer
    if match == "json":
        try:
            return json.loads(answer) == json.loads(expected)
        except ValueError:
            return False
    if match == "toolCall":
        before, _, rest = output.partition("<|tool_call>")
        written, end, after = rest.partition("<tool_call|>")
        return written == expected and bool(end) and "tool_call" not in before + after
    if match == "thought":
        start, end, _ = output.partition("<channel|>")
        return start.startswith("<|channel>thought\n") and bool(start[len("<|channel>thought\n"):].strip()) and bool(end) and answer == expected
    if match == "upperCase":
        return expected in answer and answer == answer.upper()
    if match.startswith("words<="):
        return len(answer.split()) <= int(match[len("words<="):]) and expected in answer
    raise ValueError(f"match {match!r} of skill {case['skill']!r}")


def evaluate(model, cases: list) -> list:
    """(case, output, whether right) for each case."""
    tokenizer = Tokenizer.load()
    ends = [tokenizer.ids[end] for end in ENDS]
    prompts = [tokenizer.encode(case["prompt"]) for case in cases]
    order = sorted(range(len(cases)), key=lambda i: len(prompts[i]) + cases[i]["maxTokens"])
    results = [None] * len(cases)
    while order:
        batch = [order.pop()]
        width = len(prompts[batch[0]]) + cases[batch[0]]["maxTokens"]
        while order and (len(batch) + 1) * width <= TOKENS_PER_BATCH:
            batch.append(order.pop())
        outputs = generate(model, [prompts[i] for i in batch], [cases[i]["maxTokens"] for i in batch], ends)
        for i, output in zip(batch, outputs):
            ended = output[-1] in ends
            text = tokenizer.decode(output[:-1] if ended else output)
            results[i] = (cases[i], text, ended and passes(cases[i], text))
    return results


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("weights")
    parser.add_argument("--wrong", type=int, default=2, help="wrong answers to show of each skill")
    parser.add_argument("--device", default="cuda")
    options = parser.parse_args()
    model = create(options.name)
    model.load_state_dict(torch.load(options.weights, map_location="cpu"))
    cases = [json.loads(line) for line in Path(__file__).with_name("eval.jsonl").read_text().splitlines()]
    results = evaluate(model.to(options.device).eval(), cases)
    for skill in dict.fromkeys(case["skill"] for case in cases):
        of_skill = [result for result in results if result[0]["skill"] == skill]
        right = sum(result[2] for result in of_skill)
        print(f"{skill} {right}/{len(of_skill)} {100 * right / len(of_skill):.1f}%")
        for case, output, _ in [result for result in of_skill if not result[2]][:options.wrong]:
            print("    ", json.dumps(case["prompt"][-130:]), "->", json.dumps(output[:160]), "expected", case["match"], json.dumps(case["expected"]))
    print(f"all {sum(result[2] for result in results)}/{len(results)}")
