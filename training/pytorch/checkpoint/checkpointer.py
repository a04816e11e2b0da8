"""Checkpoints: nothing that a run has learnt is lost to an interruption, a crash or a damaged file.

with connect() as ranks, Checkpointer(model=model, optimizer=optimizer, ranks=ranks, every_steps=100) as saved:
    for step in range(saved.restore() + 1, steps + 1):
        ...                      # one step of training
        saved.after_step(step)   # saves when due; after a SIGTERM it saves and leaves with exit code 75
"""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

import torch
from torch import nn

from training.pytorch.checkpoint.messages import peers_of
from training.pytorch.checkpoint.rank_files import TENSORS
from training.pytorch.checkpoint.restoring import REST, load
from training.pytorch.checkpoint.snapshot import TrainingState
from training.pytorch.checkpoint.staging import Staging, copied, pieces_of
from training.pytorch.hardware import wait_for_device
from training.pytorch.process_group import Ranks, gather
from training.pytorch.random_state import read_random_state
from training.saves.keeper import Interrupted, Keeper, Part, SaveFailed
from training.saves.restoring import Restored, Stateful, find, say_restored
from training.saves.save_files import SaveFiles
from training.saves.shards import Share, divide, layout_digest

__all__ = ["Checkpointer", "Interrupted", "SaveFailed"]


class Checkpointer(Keeper):
    """Saves and restores one run. All ranks make one, and call its methods at the same steps."""

    def __init__(
        self,
        *,
        model: nn.Module,
        optimizer: torch.optim.Optimizer | None,
        ranks: Ranks,
        also: Mapping[str, Stateful] | None = None,
        every_steps: int | None = None,
        every_seconds: float | None = None,
        keep: int = 3,
        folder: Path | str | None = None,
        run_id: str | None = None,
    ) -> None:
        """`folder` is this node's own, /opt/ml/checkpoints by default, or `s3://bucket/prefix/` for all nodes."""
        super().__init__(
            peers=peers_of(ranks),
            every_steps=every_steps,
            every_seconds=every_seconds,
            keep=keep,
            folder=folder,
            run_id=run_id,
        )
        self._ranks, self._also = ranks, dict(also or {})
        self._state, self._staging = TrainingState(model, optimizer), Staging()
        held = gather(ranks, (pieces_of(self._state.model_tensors()), self._peers.world.node))
        self._layout = layout_digest([pieces for pieces, _ in held], [node for _, node in held])
        self._share: Share | None = None

    @classmethod
    def from_options(
        cls,
        options: argparse.Namespace,
        *,
        model: nn.Module,
        optimizer: torch.optim.Optimizer | None,
        ranks: Ranks,
        also: Mapping[str, Stateful] | None = None,
    ) -> Self:
        """Make one as the options `--checkpoint_steps`, `_seconds`, `_keep` and `_folder` say."""
        return cls(
            model=model,
            optimizer=optimizer,
            ranks=ranks,
            also=also,
            every_steps=options.checkpoint_steps,
            every_seconds=options.checkpoint_seconds,
            keep=options.checkpoint_keep,
            folder=options.checkpoint_folder,
        )

    def _restore(self) -> Restored:
        found, source = find(self._store, self._peers, self._layout)
        if source is not None:
            load(self._store, source, self._state, self._also, self._peers)
            say_restored(self._store, source.save, self._peers)
        return found

    def _wait_for_device(self) -> None:
        wait_for_device(self._ranks.device)

    def _divide(self) -> Part:
        held = gather(self._ranks, (pieces_of(self._state.read()[0]), self._peers.world.node))
        self._share = divide([pieces for pieces, _ in held], [node for _, node in held])[self._ranks.rank]
        return Part(layout=self._layout, needs=self._share.needs)

    def _copy(self) -> Callable[[SaveFiles], None]:
        assert self._share is not None
        tensors, values = self._state.read()
        rest = {
            "values": values,
            "random": read_random_state(),
            "also": {name: copied(thing.state_dict()) for name, thing in self._also.items()},
        }
        staged = self._staging.copy(tensors, self._share.skipped)

        def write(files: SaveFiles) -> None:
            with files.create(TENSORS) as stream:
                staged.write(stream)
            with files.create(REST) as stream:
                torch.save(rest, stream)

        return write
