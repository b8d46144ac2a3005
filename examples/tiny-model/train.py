"""Trains one of the tiny models and writes its weights.

python3 train.py tiny OUT.pt --steps 12000 [--seed 1] [--until 300]
"""

import argparse
import hashlib
import itertools
import os
import time

# cuBLAS adds in a fixed order only with workspaces of a fixed size, which it reads when it is loaded.
os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"

import torch
from torch.nn import functional
from torch.utils.data import DataLoader

from data import IGNORED, Batches
from model import create
from muon import Muon

MATRIX_RATE, MATRIX_DECAY = 0.02, 0.05
VECTOR_RATE = 0.003
WARM_UP_STEPS = 200
COOL_DOWN = 0.4
GRADIENT_NORM = 1.0


def rate(step: int, steps: int) -> float:
    """Up, level, and down in a straight line to nothing."""
    return min(1.0, (step + 1) / WARM_UP_STEPS, (steps - step) / (COOL_DOWN * steps))


def masks(dialogs: torch.Tensor, window: int) -> dict:
    """What each token of a packed row sees: earlier tokens of its own dialog, in sliding layers the last `window` of them."""
    places = torch.arange(dialogs.shape[1], device=dialogs.device)
    distance = places[:, None] - places[None, :]
    seen = (dialogs[:, :, None] == dialogs[:, None, :]) & (distance >= 0)
    hidden = torch.tensor(float("-inf"), device=dialogs.device)
    return {kind: torch.where(visible, 0.0, hidden).bfloat16()[:, None]
            for kind, visible in (("full_attention", seen), ("sliding_attention", seen & (distance < window)))}


def loss_of(model, batch: dict) -> torch.Tensor:
    """Mean cross-entropy of the tokens that the model is to generate."""
    with torch.autocast(batch["ids"].device.type, torch.bfloat16):
        hidden = model.model(input_ids=batch["ids"], attention_mask=masks(batch["dialogs"], model.config.sliding_window), position_ids=batch["positions"],
                             use_cache=False).last_hidden_state
        logits = model.lm_head(hidden).float()
    cap = model.config.final_logit_softcapping
    logits = cap * torch.tanh(logits / cap)
    return functional.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten(), ignore_index=IGNORED)


def optimizers(model) -> list:
    """Muon for the matrices of the layers, AdamW for embeddings and norms."""
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    chosen = set(map(id, matrices))
    others = [p for p in model.parameters() if id(p) not in chosen]
    return [Muon(matrices, MATRIX_RATE, weight_decay=MATRIX_DECAY), torch.optim.AdamW(others, VECTOR_RATE, betas=(0.9, 0.95), weight_decay=0.0, fused=True)]


def fingerprint(model) -> str:
    """The same for two trainings as long as every bit of their weights is."""
    digest = hashlib.sha256()
    for parameter in model.parameters():
        digest.update(parameter.detach().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


def train(name: str, steps: int, seed: int, device: str, compiled: bool = True, until: int | None = None):
    """The trained model; one line of progress every hundred steps."""
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.set_float32_matmul_precision("high")
    model = create(name).to(device)
    print(f"{name}: {sum(p.numel() for p in model.parameters())} parameters, {steps} steps, seed {seed}, torch {torch.__version__}", flush=True)
    loss_function = torch.compile(loss_of, dynamic=False, options={"deterministic": True}) if compiled else loss_of
    stepped = optimizers(model)
    rates = [group["lr"] for optimizer in stepped for group in optimizer.param_groups]
    batches = DataLoader(Batches(seed, steps), batch_size=None, num_workers=4, prefetch_factor=16, pin_memory=device == "cuda")
    start, total = time.time(), 0.0
    for step, batch in enumerate(itertools.islice(batches, until)):
        batch = {key: value.to(device, non_blocking=True) for key, value in batch.items()}
        loss = loss_function(model, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), GRADIENT_NORM)
        for optimizer, full in zip(stepped, rates):
            optimizer.param_groups[0]["lr"] = full * rate(step, steps)
            optimizer.step()
        model.zero_grad(set_to_none=True)
        total = total + loss.detach()
        if step % 100 == 99:
            print(f"step {step + 1} loss {total.item() / 100:.4f} seconds {time.time() - start:.0f} weights {fingerprint(model)}", flush=True)
            total = 0.0
    return model


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("out")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--until", type=int, help="stop after so many of the steps, to compare the first fingerprints with those of another run")
    parser.add_argument("--no-compile", action="store_true")
    options = parser.parse_args()
    torch.save(train(options.name, options.steps, options.seed, options.device, not options.no_compile, options.until).state_dict(), options.out)
