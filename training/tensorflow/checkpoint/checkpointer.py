"""Checkpoints: nothing that a run has learnt is lost to an interruption, a crash or a damaged file.

with connect() as workers, Checkpointer(model=model, optimizer=optimizer, workers=workers, every_steps=100) as saved:
    for step in range(saved.restore() + 1, steps + 1):
        ...                      # one step of training
        saved.after_step(step)   # saves when due; after a SIGTERM it saves and leaves with exit code 75

Keras's own BackupAndRestore restores the epoch; this restores the step, the optimizer, the random numbers and the
position in the data.
"""

import argparse
import pickle
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Self

import numpy

from training.saves.keeper import Interrupted, Keeper, Part, SaveFailed
from training.saves.manifest import Save, rank_folder
from training.saves.restoring import Restored, Source, Stateful, find, load_positions, require_same, say_restored
from training.saves.save_files import SaveFiles
from training.saves.shards import Piece, Share, divide, layout_digest
from training.tensorflow.checkpoint.state import TrainingState
from training.tensorflow.checkpoint.tensors import TENSORS, read_headers, read_tensor, write_tensors
from training.tensorflow.parallel.workers import Workers
from training.tensorflow.random_state import read_random_state, seed_everything, seed_of, write_random_state

__all__ = ["Checkpointer", "Interrupted", "SaveFailed"]

REST = "state.pickle"
"""What a rank writes beside its tensors: random states, positions."""


class Checkpointer(Keeper):
    """Saves and restores one run. All workers make one, and call its methods at the same steps."""

    def __init__(
        self,
        *,
        model: Any,
        optimizer: Any,
        workers: Workers,
        also: Mapping[str, Stateful] | None = None,
        every_steps: int | None = None,
        every_seconds: float | None = None,
        keep: int = 3,
        folder: Path | str | None = None,
        run_id: str | None = None,
    ) -> None:
        """`folder` is this node's own, /opt/ml/checkpoints by default, or `s3://bucket/prefix/` for all nodes."""
        super().__init__(
            peers=workers.peers,
            every_steps=every_steps,
            every_seconds=every_seconds,
            keep=keep,
            folder=folder,
            run_id=run_id,
        )
        self._workers, self._also = workers, dict(also or {})
        self._state = TrainingState(model, optimizer, workers.strategy)
        pieces = self._pieces()
        nodes = [int(node) for node in self._peers.gather(self._peers.world.node)]
        # Every worker has all of the model, so all of them hold the same pieces
        held = [pieces] * self._peers.world.world_size
        self._layout = layout_digest(held, nodes)
        self._share: Share = divide(held, nodes)[self._peers.world.rank]

    @classmethod
    def from_options(
        cls,
        options: argparse.Namespace,
        *,
        model: Any,
        optimizer: Any,
        workers: Workers,
        also: Mapping[str, Stateful] | None = None,
    ) -> Self:
        """Make one as the options `--checkpoint_steps`, `_seconds`, `_keep` and `_folder` say."""
        return cls(
            model=model,
            optimizer=optimizer,
            workers=workers,
            also=also,
            every_steps=options.checkpoint_steps,
            every_seconds=options.checkpoint_seconds,
            keep=options.checkpoint_keep,
            folder=options.checkpoint_folder,
        )

    def _pieces(self) -> dict[Piece, int]:
        return {
            (name, (0,) * len(shape)): int(numpy.prod(shape, dtype=numpy.int64))
            for name, shape in self._state.shapes().items()
        }

    def _restore(self) -> Restored:
        found, source = find(self._store, self._peers, self._layout)
        if source is not None:
            self._load(source)
            say_restored(self._store, source.save, self._peers)
        return found

    def _load(self, source: Source) -> None:
        storage, rank, world_size = self._store.storage, self._peers.world.rank, self._peers.world.world_size
        files = [f"{source.save.name}/{rank_folder(one)}/{TENSORS}" for one in source.needed]
        places = read_headers(storage, files)
        wanted = self._state.shapes()
        shapes = {name: entry.shape for name, (_, entry) in places.items()}
        require_same(source.save, wanted, shapes, empty=(), lacking=shapes.keys() - wanted.keys())
        self._state.write({name: read_tensor(storage, *places[name]) for name in wanted})
        rest = self._read_rest(source.save, source.followed_by(rank))
        load_positions(source.save, self._also, rest["also"])
        if source.world_size == world_size:
            write_random_state(rest["random"])
            self._state.write(rest["seeds"])
        else:  # more workers than states, or fewer: streams that are new, different for each, and always the same
            seed_everything(self._store.run_id, source.save.step, rank, world_size)
            self._state.write(new_seeds(self._state, self._store.run_id, source.save.step, rank, world_size))

    def _read_rest(self, save: Save, rank: int) -> dict[str, Any]:
        rest: dict[str, Any] = pickle.loads(self._store.storage.read(f"{save.name}/{rank_folder(rank)}/{REST}"))
        return rest

    def _wait_for_device(self) -> None:
        """Steps given to parameter servers' workers must have been computed; others have when their loss is known."""
        if self._workers.coordinator is not None:
            self._workers.coordinator.join()

    def _divide(self) -> Part:
        return Part(layout=self._layout, needs=self._share.needs)

    def _copy(self) -> Callable[[SaveFiles], None]:
        skipped = {name for name, _ in self._share.skipped}
        tensors = {name: tensor for name, tensor in self._state.read().items() if name not in skipped}
        rest = pickle.dumps(
            {
                "random": read_random_state(),
                "seeds": self._state.read_seeds(),
                "also": {name: deepcopy(thing.state_dict()) for name, thing in self._also.items()},
            }
        )

        def write(files: SaveFiles) -> None:
            with files.create(TENSORS) as stream:
                write_tensors(stream, tensors)
            with files.create(REST) as stream:
                stream.write(rest)

        return write


def new_seeds(state: TrainingState, *parts: int | str) -> dict[str, numpy.ndarray]:
    """What the random layers of one worker draw from, by a digest of the parts."""
    found = {}
    for name, variable in state.seeds.items():
        value = numpy.zeros(variable.shape, numpy.int64)
        # A seed and a counter in Keras 3; a counter of two numbers and a key in tf_keras: in both what is drawn next
        # comes from another stream, and not from another place of the same one
        value[0 if len(value) == 2 else -1] = seed_of(name, *parts)
        found[name] = value
    return found


def give_own_seeds(model: Any, workers: Workers, seed: int) -> None:
    """Let dropout differ from worker to worker: Keras gives all of them the same."""
    state = TrainingState(model, None, workers.strategy)
    state.write(new_seeds(state, seed, "dropout", workers.world.rank))
