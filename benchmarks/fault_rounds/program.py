"""What the fault benchmark trains: a small GPT with noise that records every loss and its end, for comparison."""

import hashlib
import os
import sys
import time
from pathlib import Path

import numpy
import torch

from benchmarks.fault_rounds.sizes import INTERVAL, STEP_SECONDS, TIMEOUT_SECONDS
from contract.paths import base_folder
from training.data.batches import EpochBatches
from training.pytorch.checkpoint.checkpointer import Checkpointer
from training.pytorch.models.gpt.model import GPTConfig, next_token_loss
from training.pytorch.models.gpt.parallelize import build
from training.pytorch.parallel.plan import Plan
from training.pytorch.parallel.stepping import Stepper
from training.pytorch.process_group import connect
from training.pytorch.programs.tokens import Tokens
from training.pytorch.random_state import seed_everything

CONFIG = GPTConfig(vocabulary=64, layers=2, width=64, heads=4, kv_heads=2, hidden=128, context=32)


def main(steps: int) -> None:
    """Train, and write `losses-<rank>` (step, loss as hexadecimal float, time) and `digest-<rank>` of the end."""
    notes = base_folder() / "notes"
    notes.mkdir(exist_ok=True)
    with connect(timeout_seconds=TIMEOUT_SECONDS) as ranks, (notes / f"losses-{ranks.rank}").open("a") as losses:
        (notes / f"pid-{ranks.rank}").write_text(str(os.getpid()))
        parallel = build(CONFIG, Plan(data="fsdp"), ranks, seed=1)
        optimizer = torch.optim.AdamW(parallel.model.parameters(), lr=1e-3, fused=True)
        stepper = Stepper(parallel, next_token_loss, ranks)
        tokens = Tokens([numpy.random.default_rng(0).integers(0, 64, 20_000, dtype=numpy.uint8)])
        windows = tokens.windows(CONFIG.context)
        batches = EpochBatches(windows, batch_size=4, part=ranks.rank, parts=ranks.world_size)
        seed_everything(1, ranks.rank)
        checkpoints = Checkpointer(
            model=parallel.model, optimizer=optimizer, ranks=ranks, also={"data": batches}, every_steps=INTERVAL
        )
        with checkpoints:
            for step in range(checkpoints.restore() + 1, steps + 1):
                inputs, targets = tokens.batch(next(batches), CONFIG.context)
                noise = torch.rand(inputs.shape) < 0.05  # so that the random state must come back as well
                loss = stepper.gradients([(inputs.masked_fill(noise, 0), targets)])
                stepper.clip()
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                losses.write(f"{step} {stepper.mean_loss(loss).hex()} {time.time():.4f}\n")
                losses.flush()
                time.sleep(STEP_SECONDS)
                checkpoints.after_step(step)
        digest = hashlib.sha256()
        for parameter in parallel.model.parameters():
            digest.update(parameter.full_tensor().detach().numpy().tobytes())
        Path(notes / f"digest-{ranks.rank}").write_text(digest.hexdigest())


if __name__ == "__main__":
    main(int(sys.argv[sys.argv.index("--steps") + 1]))
