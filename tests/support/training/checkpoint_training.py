"""A small training that tests of checkpoints interrupt, damage and go on with."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from training.data.batches import EpochBatches
from training.pytorch.checkpoint.checkpointer import Checkpointer
from training.pytorch.process_group import Ranks
from training.pytorch.random_state import seed_everything


class Training:
    """A tiny training with dropout, momentum and a schedule: everything that has a state."""

    def __init__(self, folder: Path, run_id: str = "run", **settings: object) -> None:
        seed_everything(3)
        self.net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=0.1)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, 50)
        self.batches = EpochBatches(40, batch_size=4, seed=1)
        self.inputs = torch.arange(160, dtype=torch.float32).reshape(40, 4) / 160
        self.losses: dict[int, str] = {}
        self.checkpoints = Checkpointer(
            model=self.net,
            optimizer=self.optimizer,
            also={"data": self.batches, "schedule": self.schedule},
            folder=folder,
            run_id=run_id,
            **{"ranks": Ranks(), "every_steps": 5, **settings},
        )

    def run(self, steps: int, each: Callable[[int], None] = lambda step: None) -> int:
        """Train up to a step; returns the step it started from."""
        with self.checkpoints as checkpoints:
            start = checkpoints.restore()
            for step in range(start + 1, steps + 1):
                inputs = self.inputs[torch.from_numpy(next(self.batches))]
                loss = ((self.net(inputs) - inputs.sum(1, keepdim=True)) ** 2).mean()
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                self.schedule.step()
                self.losses[step] = loss.item().hex()
                each(step)
                checkpoints.after_step(step)
        return start


def saved(folder: Path, run_id: str = "run") -> list[str]:
    """The names of the saves of a run."""
    return sorted(path.name for path in (folder / run_id).glob("step-*"))
