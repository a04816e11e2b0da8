"""A small network that takes its steps at a steady pace, notes each of them, and can be broken on purpose.

It is an ordinary program with a `Checkpointer`: digits, dropout, Adam, a save every few steps. What it is asked to
break it breaks in the first start of a run alone, so that the run has something to recover from.
"""

import argparse
import json
import os
import resource
import signal
import time
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from training import paths
from training.data.batches import EpochBatches
from training.programs.digits import load_digits
from training.programs.entry import reasons_without_traceback
from training.pytorch.checkpoint import Checkpointer
from training.pytorch.process_group import Ranks, connect
from training.pytorch.random_state import seed_everything
from training.reporting.metrics import Metrics

DISK_BYTES = 4096
"""The largest file that a full disk still takes."""


class Breaker:
    """Breaks what the options say, where the run has not been started again yet."""

    def __init__(self, options: argparse.Namespace, ranks: Ranks, restored: int) -> None:
        is_first_start = restored == 0 and os.environ.get("SHARDYARD_ATTEMPT", "0") == "0"
        last = ranks.rank == ranks.world_size - 1
        self._dies_at = options.dies_at if is_first_start and last else 0
        self._full = range(0)
        if is_first_start and last and options.disk_full_at:
            self._full = range(options.disk_full_at, options.disk_full_at + options.disk_full_steps)

    def before(self, step: int) -> None:
        """What happens when a step begins."""
        if step in (self._full.start, self._full.stop) and self._full:
            limit = DISK_BYTES if step in self._full else resource.RLIM_INFINITY
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            print("disk", "is full" if step in self._full else "has room again", "at step", step, flush=True)
        if step == self._dies_at:
            os.kill(os.getpid(), signal.SIGKILL)


def make_net() -> nn.Module:
    """784 pixels, a hidden layer with dropout, ten scores."""
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 10))


def train(options: argparse.Namespace, ranks: Ranks, metrics: Metrics) -> None:
    """Take all steps, from wherever the last save was."""
    torch.set_num_threads(1)
    seed_everything(options.seed)
    net = make_net().to(ranks.device)
    model: nn.Module = net if ranks.world_size == 1 else DistributedDataParallel(net)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    images, labels = load_digits(None)
    pixels = torch.from_numpy(images).float().to(ranks.device) / 255
    targets = torch.from_numpy(labels).to(ranks.device)
    batches = EpochBatches(len(images), batch_size=32, part=ranks.rank, parts=ranks.world_size, seed=options.seed)
    seed_everything(options.seed, "dropout", ranks.rank)
    saved = Checkpointer(
        model=net, optimizer=optimizer, ranks=ranks, also={"data": batches}, every_steps=options.checkpoint_steps
    )
    with saved:
        restored = saved.restore()
        breaker = Breaker(options, ranks, restored)
        for step in range(restored + 1, options.steps + 1):
            breaker.before(step)
            began = time.monotonic()
            chosen = torch.from_numpy(next(batches)).to(ranks.device)
            loss: Tensor = functional.cross_entropy(model(pixels[chosen]), targets[chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            if ranks.is_first:  # bit by bit, and when: what was done twice is in the log twice
                print("did", json.dumps({"step": step, "loss": loss.item().hex(), "at": time.time()}), flush=True)
                metrics.log(step, total_steps=options.steps, loss=loss.item())
            saved.after_step(step)
            time.sleep(max(0.0, options.step_seconds - (time.monotonic() - began)))
    if ranks.is_first:
        torch.save(net.state_dict(), paths.model_folder() / "model.pt")


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--steps", type=int, default=50)
    add("--step_seconds", type=float, default=0.2, help="how long a step takes at least")
    add("--checkpoint_steps", type=int, default=10, help="steps from one save to the next")
    add("--seed", type=int, default=1)
    add("--dies_at", type=int, default=0, help="the step at which the last rank kills itself (0: none)")
    add("--disk_full_at", type=int, default=0, help="the step at which the last rank's disk is full (0: none)")
    add("--disk_full_steps", type=int, default=15, help="and for how many steps it stays so")
    options = parser.parse_args(arguments)
    with reasons_without_traceback("steady"), connect() as ranks, Metrics(ranks) as metrics:
        train(options, ranks, metrics)


if __name__ == "__main__":
    main()
