"""Which sample goes to which rank, for data in memory: shuffled by seed and epoch, resumed at the very next one."""

from collections.abc import Iterator
from typing import Any

import numpy

from contract.world import World
from training.data.balance import Balance, Gather, first_ranks
from training.data.channel import Channel
from training.data.dataset import is_whole
from training.data.errors import DataError, say


class EpochBatches:
    """Endless batches of sample numbers. A part of every epoch that does not fill a batch on all ranks is dropped.

    Its position counts samples of the whole job, so a run that goes on with another number of ranks or another batch
    continues at the very next sample.
    """

    def __init__(
        self, samples: int, *, batch_size: int, part: int = 0, parts: int = 1, seed: int = 0, about: str = ""
    ) -> None:
        """`about` says more of the samples to who finds too few."""
        if not is_whole(batch_size) or batch_size < 1:
            raise ValueError(f"batch_size is {batch_size!r} and must be a whole number, 1 or more")
        self.per_epoch = samples // (batch_size * parts)
        if self.per_epoch == 0:
            raise DataError(
                f"{samples} samples{about} do not fill one batch of {batch_size} on each of {parts} ranks: take a "
                "smaller batch, fewer ranks or more data"
            )
        self._samples, self._batch_size, self._part, self._parts, self._seed = samples, batch_size, part, parts, seed
        self._epoch, self._consumed = 0, 0
        self._order: tuple[int, numpy.ndarray] | None = None

    def limit(self, per_epoch: int) -> None:
        """Cut every epoch to this many batches: what the rank with the fewest has."""
        self.per_epoch = per_epoch

    @property
    def epoch(self) -> int:
        """The epoch, from 0, of the next batch."""
        return self._epoch + 1 if self._is_over() else self._epoch

    def _is_over(self) -> bool:
        of_all = self._batch_size * self._parts
        return self._consumed + of_all > self.per_epoch * of_all

    def __iter__(self) -> Iterator[numpy.ndarray]:
        return self

    def __next__(self) -> numpy.ndarray:
        if self._is_over():
            self._epoch, self._consumed = self._epoch + 1, 0
        if self._order is None or self._order[0] != self._epoch:
            shuffled = numpy.random.default_rng((self._seed, self._epoch)).permutation(self._samples)
            self._order = self._epoch, shuffled
        start = self._consumed + self._part * self._batch_size
        self._consumed += self._batch_size * self._parts
        return self._order[1][start : start + self._batch_size]

    def state_dict(self) -> dict[str, Any]:
        """The position, and what it belongs to."""
        return {"epoch": self._epoch, "consumed": self._consumed, "seed": self._seed, "samples": self._samples}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on at a position; the order has to be the same."""
        if state["seed"] != self._seed:
            raise DataError(f"the position in the data was saved with seed {state['seed']}, and now it is {self._seed}")
        if state["samples"] != self._samples and state["consumed"] > 0:
            raise DataError(
                f"the position in the data was saved with {state['samples']} samples, and now there are "
                f"{self._samples}: the epoch cannot go on where it was; put the data back, or begin a new run"
            )
        self._epoch, self._consumed = state["epoch"], state["consumed"]


def equal_batches(
    samples: int,
    *,
    channel: Channel | None,
    world: World,
    batch_size: int,
    part: int,
    parts: int,
    seed: int,
    gather: Gather,
    about: str = "",
) -> EpochBatches:
    """As many batches on every rank as the one with the fewest has; where that is none, all ranks refuse together.

    `part` of `parts` is this rank's place among those that share `samples`. Where nodes hold files of their own, the
    first rank says how many samples each has, and what an epoch leaves out.
    """
    counts = gather(samples // (batch_size * parts))
    if channel is not None and channel.distribution == "ShardedByS3Key":
        firsts = first_ranks(gather(world.local_world_size))
        held, shares = gather(samples), gather(parts)
        read = min(counts) * batch_size * sum(shares[first] for first in firsts)
        balance = Balance(name=channel.name, per_node=tuple(held[first] for first in firsts), read=read)
        if world.rank == 0:
            say(str(balance))
    batches = EpochBatches(samples, batch_size=batch_size, part=part, parts=parts, seed=seed, about=about)
    if min(counts) == 0:
        raise DataError(
            f"rank {counts.index(0)} has not one batch of {batch_size} in an epoch, and others have {max(counts)}: "
            "take a smaller batch, fewer ranks or more data"
        )
    batches.limit(min(counts))
    return batches
