"""What `channel()` returns: this rank's samples, epoch after epoch, from any position on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self, get_args

from contract.world import World
from training.data.balance import Balance, Gather, on_each_node
from training.data.channel import Channel
from training.data.errors import DataError, ShardError, say
from training.data.position import fingerprint, place_in_group, require_same_order
from training.data.readers import Reader, choose
from training.data.sharding import Equalise, Order, require_enough, share, steps_per_rank
from training.data.shards import Shard, TokenShard


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """How a channel is read."""

    shuffle: bool = True
    seed: int = 0
    window: int | None = None
    """Shuffle only within this many neighbours, and whole shards: for media where distant reads are slow."""

    equalise: Equalise = "drop"
    skip_unreadable: bool = False
    """Pass over what cannot be read, and count it in `skipped`, instead of stopping."""

    def __post_init__(self) -> None:
        if self.equalise not in get_args(Equalise):
            raise DataError(f"equalise is {self.equalise!r}; known: {', '.join(get_args(Equalise))}")
        if not is_whole(self.seed):
            raise DataError(f"seed is {self.seed!r} and must be a whole number")
        if self.window is not None and not (is_whole(self.window) and self.window > 0):
            raise DataError(f"window is {self.window!r} and must be a whole number from 1, or None")


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
    """One rank's part of a channel whose files allow random access. Iterating reads the rest of an epoch.

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
        """How often this rank could not read a sample; the first of those that share the files counts shards too."""
        paths = channel.sources()
        reader = choose(paths, channel.name, rank=world.rank) if reader is None else reader
        self.samples = Samples(reader.open(paths, root=channel.root, tolerate=settings.skip_unreadable))
        self._index, self._members = place_in_group(channel, world)
        self._note_damage()
        self._steps: int | None = None
        self._fingerprint = fingerprint(channel, paths, self.samples.counts)
        self.balance = self._compare_nodes(gather)

    def _note_damage(self) -> None:
        for shard in self.samples.shards:
            if shard.damage is not None and self._index == 0:
                self.skipped += 1
                say(f"channel {self.channel.name}: skipped: {shard.damage}")

    def _compare_nodes(self, gather: Gather | None) -> Balance:
        """Learn what the other nodes have, and agree on a number of samples for each rank."""
        own = self.channel.distribution == "ShardedByS3Key"
        name, equalise = self.channel.name, self.settings.equalise
        counts, ranks = self._on_each_node(gather)
        if own:
            self._steps = steps_per_rank(counts, members=ranks, equalise=equalise)
        elif len(set(counts)) > 1:
            found = ", ".join(map(str, counts))
            raise DataError(f"the channel {name!r} is FullyReplicated, and its nodes have different samples: {found}")
        read = None if self._steps is None else self._steps * sum(ranks)
        balance = Balance(name=name, per_node=counts, read=read)
        if self.world.rank == 0 and own:
            say(str(balance))
        # After the exchange, so that all ranks refuse together and none waits for one that is gone
        if own:
            for node, (samples, members) in enumerate(zip(counts, ranks, strict=True)):
                require_enough(f"node {node}'s part of the channel {name!r}", samples, members, equalise)
        else:
            about = _blocks(self.samples.shards)
            require_enough(f"the channel {name!r}", counts[0], self._members, equalise, about=about)
        return balance

    def _on_each_node(self, gather: Gather | None) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Samples and ranks of each node; of this one alone where the others' numbers are not known."""
        found = on_each_node(len(self.samples), self.world, gather)
        if found is not None:
            return found
        if self.channel.distribution == "ShardedByS3Key" and self.settings.equalise != "join":
            raise DataError(
                f"the channel {self.channel.name!r} is ShardedByS3Key on {self.world.nodes} nodes: the ranks can only "
                "agree on their number of samples with `gather`; training.pytorch.data.channel brings it"
            )
        return (len(self.samples),), (self.world.local_world_size,)

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
        end = self._steps * members
        mine = share(end, index=index, members=members, consumed=consumed, equalise=self.settings.equalise)
        return [place % count for place in mine]

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
                say(f"channel {self.channel.name}: skipped: {error}")
            number += 1
            while number >= self.samples.counts[shard]:
                shard, number = (shard + 1) % len(self.samples.counts), 0
        raise DataError(f"no sample of the channel {self.channel.name!r} can be read")

    @property
    def consumed_here(self) -> int:
        """How many samples of this epoch this rank has consumed."""
        return self.consumed // self._members

    def advance(self, samples: int) -> None:
        """Note that this rank, and every other one beside it, has consumed this many samples."""
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
            "nodes": self.world.nodes,
            "seed": self.settings.seed,
            "shuffle": self.settings.shuffle,
            "window": self.settings.window,
            "fingerprint": self._fingerprint,
            "skipped": self.skipped,
        }

    def load_state_dict(self, state: dict[str, Any]) -> Self:
        """Continue at a position; the data and the order have to be the same."""
        require_same_order(self.channel, state, self.state_dict())
        self.epoch, self.consumed = int(state["epoch"]), int(state["consumed"])
        self.skipped = int(state.get("skipped", self.skipped))
        return self


def _blocks(shards: Sequence[Shard]) -> str:
    """What samples of tokens are cut from, for who finds few of them."""
    found = [shard for shard in shards if isinstance(shard, TokenShard)]
    if not found:
        return ""
    tokens = sum(shard.tokens for shard in found)
    return f" (blocks of {found[0].block} and one more, of {tokens} tokens in {len(found)} files)"


def is_whole(value: object) -> bool:
    """Whether it is a number that can count: no text, no fraction, and neither true nor false."""
    return isinstance(value, int) and not isinstance(value, bool)
