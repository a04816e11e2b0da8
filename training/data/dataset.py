"""What `channel()` returns: this rank's samples, epoch after epoch, from any position on."""

import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from training.data.channel import Channel
from training.data.errors import DataError, ShardError
from training.data.media import File
from training.data.readers import Reader, guess
from training.data.sharding import Balance, Equalise, Order, require_enough, share, steps_per_rank
from training.data.shards import Shard
from training.data.world import World

Gather = Callable[[int], Sequence[int]]
"""Hands one number of each rank to all ranks, in their order; `training.pytorch.data` has one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """How a channel is read."""

    shuffle: bool = True
    seed: int = 0
    window: int | None = None
    """Shuffle only within so many neighbours, and whole shards: for media where distant reads are slow."""

    equalise: Equalise = "drop"
    skip_unreadable: bool = False
    """Pass over what cannot be read, and count it in `skipped`, instead of stopping."""


class Samples:
    """Every sample of this node's files by number: what a map-style dataset is."""

    def __init__(self, shards: Sequence[Shard]) -> None:
        self.shards = shards
        self.counts = [len(shard) for shard in shards]

    def __len__(self) -> int:
        return sum(self.counts)

    def __getitem__(self, place: tuple[int, int]) -> Any:
        shard, number = place
        return self.shards[shard].read(number)


class Dataset:
    """One rank's part of a channel whose files can be read at any place. Iterating reads the rest of an epoch.

    Its position is exact: `state_dict` after any sample, and a new dataset that loads it continues with the next.
    """

    def __init__(
        self,
        channel: Channel,
        *,
        reader: Reader | None = None,
        settings: Settings,
        world: World,
        gather: Gather | None = None,
    ) -> None:
        self.channel, self.settings, self.world = channel, settings, world
        self.epoch = 0
        self.consumed = 0
        """How many samples of this epoch the group of ranks that shares these files has consumed."""
        self.skipped = 0
        """How many samples and shards could not be read."""
        paths = channel.sources()
        reader = guess(paths, channel.name) if reader is None else reader
        self.samples = Samples(reader.open(paths, root=channel.root, tolerate=settings.skip_unreadable))
        self._note_damage()
        own = channel.distribution == "ShardedByS3Key"
        self._index, self._members = (
            (world.local_rank, world.local_world_size) if own else (world.rank, world.world_size)
        )
        self._steps: int | None = None
        self._fingerprint = _fingerprint(channel, paths, self.samples.counts)
        require_enough(channel.name, len(self.samples), self._members, settings.equalise)
        self.balance = self._compare_nodes(own, gather)

    def _note_damage(self) -> None:
        for shard in self.samples.shards:
            if shard.damage is not None:
                self.skipped += 1
                _say(f"channel {self.channel.name}: passed over: {shard.damage}")

    def _compare_nodes(self, own: bool, gather: Gather | None) -> Balance:
        """Learn what the other nodes have, and agree on a number of samples for each rank."""
        count = len(self.samples)
        if self.world.nodes == 1:
            counts: tuple[int, ...] = (count,)
        elif gather is not None:
            counts = tuple(gather(count)[:: self.world.local_world_size])
        elif own and self.settings.equalise != "join":
            raise DataError(
                f"the channel {self.channel.name!r} is ShardedByS3Key on {self.world.nodes} nodes: the ranks can only "
                "agree on their number of samples with `gather`; training.pytorch.data.channel brings it"
            )
        else:
            counts = (count,)
        balance = Balance(name=self.channel.name, samples_per_node=counts)
        if own:
            self._steps = steps_per_rank(counts, members=self._members, equalise=self.settings.equalise)
        elif len(set(counts)) > 1:
            raise DataError(f"{balance}; the channel is FullyReplicated, so all nodes must have the same samples")
        if self.world.rank == 0 and (own or balance.is_uneven):
            _say(str(balance))
        return balance

    def __len__(self) -> int:
        """How many samples this rank reads in a whole epoch."""
        return len(self._places(0))

    def places(self) -> Iterator[tuple[int, int]]:
        """The shards and numbers of what is left of this epoch for this rank, without reading any of it."""
        settings = self.settings
        order = Order(
            self.samples.counts,
            seed=settings.seed,
            epoch=self.epoch,
            shuffle=settings.shuffle,
            window=settings.window,
        )
        return (order[place] for place in self._places(self.consumed))

    def _places(self, consumed: int) -> Sequence[int]:
        count, members, index = len(self.samples), self._members, self._index
        if self._steps is None:
            return share(count, index=index, members=members, consumed=consumed, equalise=self.settings.equalise)
        steps = self._steps - consumed // members
        return [place % count for place in range(consumed + index, consumed + steps * members, members)]

    def __iter__(self) -> Iterator[Any]:
        """The rest of this epoch; at its end the next epoch begins."""
        members, read = self._members, self.read
        for place in self.places():
            sample = read(place)
            self.consumed += members
            yield sample
        self.next_epoch()

    def read(self, place: tuple[int, int]) -> Any:
        """One sample; an unreadable one is an error or, with `skip_unreadable`, replaced by its next neighbour."""
        shard, number = place
        if not self.settings.skip_unreadable:
            return self.samples.shards[shard].read(number)
        for _ in range(len(self.samples)):
            try:
                return self.samples[shard, number]
            except ShardError as error:
                self.skipped += 1
                _say(f"channel {self.channel.name}: passed over: {error}")
            number += 1
            while number >= self.samples.counts[shard]:
                shard, number = (shard + 1) % len(self.samples.counts), 0
        raise DataError(f"no sample of the channel {self.channel.name!r} can be read")

    def advance(self, samples: int) -> None:
        """Note that this rank, and every other one beside it, has consumed so many samples."""
        self.consumed += samples * self._members

    def next_epoch(self) -> None:
        """Begin the next epoch."""
        self.epoch += 1
        self.consumed = 0

    def state_dict(self) -> dict[str, Any]:
        """The position, and what it belongs to."""
        return {
            "epoch": self.epoch,
            "consumed": self.consumed,
            "seed": self.settings.seed,
            "shuffle": self.settings.shuffle,
            "window": self.settings.window,
            "fingerprint": self._fingerprint,
        }

    def load_state_dict(self, state: dict[str, Any]) -> Self:
        """Continue at a position; the data and the order have to be the same."""
        mine = self.state_dict()
        for key in ("seed", "shuffle", "window", "fingerprint"):
            if state[key] != mine[key]:
                what = "other files or samples" if key == "fingerprint" else f"{key} {state[key]!r}, not {mine[key]!r}"
                raise DataError(f"the position was saved for the channel {self.channel.name!r} with {what}")
        self.epoch, self.consumed = int(state["epoch"]), int(state["consumed"])
        return self


def _fingerprint(channel: Channel, paths: Sequence[File], counts: Sequence[int]) -> str:
    """Names and counts, so that a position is never applied to other data. Nodes that own other files differ."""
    if channel.distribution == "ShardedByS3Key":
        return "own"
    names = [str(path).removeprefix(channel.root) for path in paths]
    return hashlib.sha256(repr((names, list(counts))).encode()).hexdigest()[:16]


def _say(text: str) -> None:
    print(f"data: {text}", file=sys.stderr, flush=True)
