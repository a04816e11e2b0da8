"""Which sample goes to which rank, for data in memory: shuffled by seed and epoch, resumed at the very next one."""

from collections.abc import Iterator
from typing import Any

import numpy

from training.data.errors import DataError


class EpochBatches:
    """Endless batches of sample numbers. A part of every epoch that does not fill a batch on all ranks is dropped.

    Its position counts batches of the whole job, so a run that goes on with another number of ranks, at the same
    global batch, sees the same samples in the same order.
    """

    def __init__(self, samples: int, *, batch_size: int, part: int = 0, parts: int = 1, seed: int = 0) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size} and must be 1 or more")
        self.per_epoch = samples // (batch_size * parts)
        if self.per_epoch == 0:
            raise DataError(f"{samples} samples do not fill one batch of {batch_size} on each of {parts} ranks")
        self._samples, self._batch_size, self._part, self._parts, self._seed = samples, batch_size, part, parts, seed
        self._next = 0
        self._order: tuple[int, numpy.ndarray] | None = None

    def limit(self, per_epoch: int) -> None:
        """Cut every epoch to this many batches: what the rank with the fewest has."""
        self.per_epoch = per_epoch

    @property
    def epoch(self) -> int:
        """The epoch, from 0, of the next batch."""
        return self._next // self.per_epoch

    def __iter__(self) -> Iterator[numpy.ndarray]:
        return self

    def __next__(self) -> numpy.ndarray:
        epoch, batch = divmod(self._next, self.per_epoch)
        if self._order is None or self._order[0] != epoch:
            self._order = epoch, numpy.random.default_rng((self._seed, epoch)).permutation(self._samples)
        self._next += 1
        start = (batch * self._parts + self._part) * self._batch_size
        return self._order[1][start : start + self._batch_size]

    def state_dict(self) -> dict[str, Any]:
        """The position."""
        return {"next_sample": self._next * self._batch_size * self._parts}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on at a position."""
        self._next = state["next_sample"] // (self._batch_size * self._parts)
