"""Data that is read from beginning to end: Pipe mode, files behind slow mounts (FastFile), objects in S3."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain, islice
from typing import Any, Self

from contract.world import World
from training.data.balance import Balance, Gather, on_each_node
from training.data.channel import Channel
from training.data.dataset import Settings
from training.data.errors import DataError, ShardError, say
from training.data.media import File, file_size
from training.data.position import fingerprint, place_in_group, require_same_order
from training.data.readers import Reader, choose
from training.data.s3 import S3Object
from training.data.sharding import Permutation, steps_per_rank, too_large
from training.data.through import Through, reader_of_pipe

_WINDOW = 1024
Source = Callable[[], Iterator[Any]]
"""Samples that are read one after the other once it is called."""


class Stream:
    """One rank's part of a channel that streams. Its length is not known before its end.

    The ranks of a group take whole files in turn; files that are left over, or so large that the other ranks would
    have too little, are divided sample by sample. In Pipe mode the node's one pipe is divided among the nodes. Ranks
    may end unevenly: `training.pytorch.data.Loader` makes them stop together at the first that has no full batch. A
    bare loop cannot, and is refused, unless `equalise` is `join`: then the loop has to bear it.
    """

    def __init__(
        self,
        channel: Channel,
        *,
        reader: Reader | None,
        settings: Settings,
        world: World,
        gather: Gather | None = None,
    ) -> None:
        self.channel, self.settings, self.world = channel, settings, world
        self.epoch = 0
        self.position = 0
        """How many samples of this epoch this rank has consumed."""
        self._skipped_before = 0
        """What `skipped` was when this epoch began: reading up to a position counts the rest again."""
        self._earlier: list[tuple[int, int]] = []
        """How many ranks divided this epoch before, and how many samples each of them consumed."""
        if settings.equalise == "repeat":
            raise DataError(
                f"the channel {channel.name!r} streams, and how much of it to repeat is not known: use "
                "equalise='drop' or 'join', or stream=False"
            )
        if channel.mode == "Pipe":
            reader = reader_of_pipe(channel, reader, world)
            self._files: Sequence[File] = ()
            self._sizes: list[int] = []
            own = channel.distribution == "ShardedByS3Key"
            self._index, self._members = (0, 1) if own else (world.node, world.nodes)
        else:
            self._files = channel.sources()
            self._sizes = [_size(file) for file in self._files]
            reader = choose(self._files, channel.name, rank=world.rank) if reader is None else reader
            self._index, self._members = place_in_group(channel, world)
        self._through = Through(channel, reader, skip_unreadable=settings.skip_unreadable)
        self._fingerprint = fingerprint(channel, self._files)
        self.balance = self._compare_nodes(gather)

    def _compare_nodes(self, gather: Gather | None) -> Balance | None:
        """Nobody knows the samples, but how large files are; None where nodes have no files of their own."""
        if self.channel.distribution != "ShardedByS3Key" or self.channel.mode == "Pipe":
            return None
        found = on_each_node(sum(self._sizes), self.world, gather)
        if found is None:
            return None
        sizes, ranks = found
        each = steps_per_rank(sizes, members=ranks, equalise=self.settings.equalise)
        read = None if each is None else each * sum(ranks)
        balance = Balance(name=self.channel.name, per_node=sizes, read=read, unit="bytes")
        if self.world.rank == 0:
            say(str(balance))
        return balance

    def __iter__(self) -> Iterator[Any]:
        """The rest of this epoch; at its end the next epoch begins."""
        if self.world.world_size > 1 and self.settings.equalise != "join":
            raise DataError(
                f"the channel {self.channel.name!r} streams, and its {self.world.world_size} ranks may find "
                "different numbers of samples: a rank with more would wait for ever for one that is done; put a "
                "training.pytorch.data.Loader around it, which stops all ranks together, or say equalise='join' where "
                "no rank waits for another"
            )
        yield from self.rest()
        self.next_epoch()

    def rest(self) -> Iterator[Any]:
        """The rest of this epoch, at whose end the position stays."""
        self._through.skipped = self._skipped_before
        for sample in islice(self._part(self._index, self._members, self._earlier), self.position, None):
            self.position += 1
            yield sample

    def next_epoch(self) -> None:
        """Begin the next epoch."""
        self.epoch += 1
        self.position = 0
        self._earlier = []
        self._skipped_before = self.skipped

    @property
    def skipped(self) -> int:
        """How many files and samples this rank has skipped."""
        return self._through.skipped

    @property
    def is_at_beginning(self) -> bool:
        """Whether nothing of this epoch has been consumed, by whatever number of ranks."""
        return self.position == 0 and not self._earlier

    def state_dict(self) -> dict[str, Any]:
        """The position, and what it belongs to."""
        return {
            "epoch": self.epoch,
            "position": self.position,
            "part": [self._index, self._members],
            "by_size": True,
            "earlier": [list(division) for division in self._earlier],
            "nodes": self.world.nodes,
            "seed": self.settings.seed,
            "shuffle": self.settings.shuffle,
            "window": self.settings.window,
            "fingerprint": self._fingerprint,
            "skipped": self._skipped_before,
        }

    def load_state_dict(self, state: dict[str, Any]) -> Self:
        """Continue at a position: what comes before it is read again and dropped.

        Another number of ranks divides what is left when all ranks had consumed as much as this one, as they have
        between the batches of a `Loader`.
        """
        require_same_order(self.channel, state, self.state_dict())
        self._require_same_division(state)
        self.epoch, self.position = int(state["epoch"]), int(state["position"])
        self._through.skipped = self._skipped_before = int(state.get("skipped", 0))
        self._earlier = [(members, position) for members, position in state["earlier"]]
        index, members = state["part"]
        if members != self._members and self.position > 0:
            if self.channel.mode == "Pipe":
                raise DataError(
                    f"the position in the pipe {self.channel.name!r} belongs to one of {members} nodes, not "
                    f"{self._members}: a pipe is read once, so another number of nodes can only begin at an epoch"
                )
            self._earlier.append((members, self.position))
            self.position = 0
        elif index != self._index and self.position > 0:
            raise DataError(
                f"the position in the channel {self.channel.name!r} belongs to part {index} of {members}, not "
                f"{self._index}: every rank has to load its own"
            )
        return self

    def _require_same_division(self, state: dict[str, Any]) -> None:
        """Earlier versions handed large files out as all others: once an epoch has begun, that means others."""
        groups = [*(members for members, _ in state["earlier"]), state["part"][1]]
        begun = state["earlier"] or state["position"] > 0
        if begun and "by_size" not in state and any(too_large(self._sizes, members) for members in groups):
            raise DataError(
                f"the position in the channel {self.channel.name!r} was saved by a version that divided files of such "
                "unequal size otherwise, and it can only go on at the beginning of an epoch"
            )

    def _part(self, index: int, members: int, earlier: Sequence[tuple[int, int]]) -> Iterator[Any]:
        """The samples of one member of a group: whole sources in turn, then its turns in those that are left over."""
        sources, large = self._sources(members, earlier)
        whole = len(sources) // members * members
        in_turn = (source() for source in sources[index:whole:members])
        divided = (islice(source(), index, None, members) for source in [*sources[whole:], *large])
        samples = chain.from_iterable(chain(in_turn, divided))
        return self._shuffled(samples, f"{index}/{members}") if self.settings.shuffle else samples

    def _sources(self, members: int, earlier: Sequence[tuple[int, int]]) -> tuple[list[Source], list[Source]]:
        """What a group divides: the files or, when another group began this epoch, what is left of its parts.

        Apart from them the files that no member takes whole.
        """
        if earlier:
            *before, (others, position) = earlier
            return [partial(self._rest_of_part, index, others, before, position) for index in range(others)], []
        if self.channel.mode == "Pipe":
            return [self._through.pipe], []
        count = len(self._files)
        order: Sequence[int] = range(count)
        if self.settings.shuffle:
            places = Permutation(count, seed=self.settings.seed, epoch=self.epoch)
            order = [places(place) for place in range(count)]
        large = too_large(self._sizes, members)

        def read(files: Iterable[int]) -> list[Source]:
            return [partial(self._through.file, str(self._files[file])) for file in files]

        return read(file for file in order if file not in large), read(file for file in order if file in large)

    def _rest_of_part(
        self, index: int, members: int, earlier: Sequence[tuple[int, int]], position: int
    ) -> Iterator[Any]:
        return islice(self._part(index, members, earlier), position, None)

    def _shuffled(self, samples: Iterator[Any], part: str) -> Iterator[Any]:
        """Draw from a buffer of this many samples, the same way each time for the same seed, epoch and part."""
        window = _WINDOW if self.settings.window is None else self.settings.window
        draw = random.Random(f"{self.settings.seed}/{self.epoch}/{part}")
        held: list[Any] = []
        for sample in samples:
            if len(held) < window:
                held.append(sample)
                continue
            place = draw.randrange(window)
            held[place], sample = sample, held[place]
            yield sample
        draw.shuffle(held)
        yield from held


def _size(file: File) -> int:
    """As far as it can be told: a file that is not there is an error when it is read, and the other nodes wait here."""
    if isinstance(file, S3Object):
        return file.size
    with suppress(ShardError):
        return file_size(file)
    return 0
