"""Data that is read from beginning to end: Pipe mode, files behind slow mounts (FastFile), objects in S3."""

import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any, BinaryIO, Self

from training.data.channel import Channel
from training.data.dataset import Settings
from training.data.errors import DataError, ShardError
from training.data.media import File, open_through
from training.data.readers import Reader, guess
from training.data.sharding import Permutation
from training.data.world import World

_WINDOW = 1024


class Stream:
    """One rank's part of a channel that is read through. Nobody knows its length before its end.

    The ranks of a group take whole files in turn; files that are left over are divided sample by sample. In Pipe
    mode the node's one pipe is divided among the nodes. Ranks may end unevenly: `training.pytorch.data.loader`
    makes them stop together at the first that has no full batch.
    """

    def __init__(self, channel: Channel, *, reader: Reader | None, settings: Settings, world: World) -> None:
        self.channel, self.settings, self.world = channel, settings, world
        self.epoch = 0
        self.position = 0
        """How many samples of this epoch this rank has consumed."""
        self.skipped = 0
        own = channel.distribution == "ShardedByS3Key"
        if channel.mode == "Pipe":
            if world.local_world_size > 1:
                raise DataError(
                    f"the channel {channel.name!r} is a pipe, which the {world.local_world_size} processes of a node "
                    "cannot share: use FastFile mode, or one process a node"
                )
            if reader is None:
                raise DataError(f"the channel {channel.name!r} is a pipe, which has no file names: say its `reader`")
            self._files: Sequence[File] = ()
            self._index, self._members = (0, 1) if own else (world.node, world.nodes)
            self._reader = reader
        else:
            self._files = channel.sources()
            self._index, self._members = (
                (world.local_rank, world.local_world_size) if own else (world.rank, world.world_size)
            )
            self._reader = guess(self._files, channel.name) if reader is None else reader

    def __iter__(self) -> Iterator[Any]:
        """The rest of this epoch; at its end the next epoch begins."""
        samples = self._shuffled() if self.settings.shuffle else self._samples()
        for sample in islice(samples, self.position, None):
            self.position += 1
            yield sample
        self.next_epoch()

    def next_epoch(self) -> None:
        """Begin the next epoch."""
        self.epoch += 1
        self.position = 0

    def state_dict(self) -> dict[str, Any]:
        """The position, and the rank's part that it belongs to."""
        part = [self._index, self._members, self.settings.seed, self.settings.shuffle, self.settings.window]
        return {"epoch": self.epoch, "position": self.position, "part": part}

    def load_state_dict(self, state: dict[str, Any]) -> Self:
        """Continue at a position: what comes before it is read again and dropped."""
        mine = self.state_dict()["part"]
        if list(state["part"]) != mine and state["position"] > 0:
            raise DataError(
                f"the position in the stream {self.channel.name!r} belongs to part {state['part'][0]} of "
                f"{state['part'][1]}, not {mine[0]} of {mine[1]}: another number of ranks can only begin at an epoch"
            )
        self.epoch, self.position = int(state["epoch"]), int(state["position"])
        return self

    def _shuffled(self) -> Iterator[Any]:
        """Draw from a buffer of so many samples, the same way each time for the same seed, epoch and part."""
        window = _WINDOW if self.settings.window is None else self.settings.window
        draw = random.Random(f"{self.settings.seed}/{self.epoch}/{self._index}/{self._members}")
        held: list[Any] = []
        for sample in self._samples():
            if len(held) < window:
                held.append(sample)
                continue
            place = draw.randrange(window)
            held[place], sample = sample, held[place]
            yield sample
        draw.shuffle(held)
        yield from held

    def _samples(self) -> Iterator[Any]:
        if self.channel.mode == "Pipe":
            return self._divided(str(self.channel.pipe(self.epoch)))
        order = [str(path) for path in self._files]
        if self.settings.shuffle:
            places = Permutation(len(order), seed=self.settings.seed, epoch=self.epoch)
            order = [order[places(place)] for place in range(len(order))]
        whole = len(order) // self._members * self._members
        mine = map(self._read, order[self._index : whole : self._members])
        return chain.from_iterable([*mine, *map(self._divided, order[whole:])])

    def _divided(self, path: str) -> Iterator[Any]:
        """Each member's turn among the samples of one file."""
        return islice(self._read(path), self._index, None, self._members)

    def _read(self, path: str) -> Iterator[Any]:
        try:
            with open_through(path) as stream, _named(stream, path):
                yield from self._reader.stream(stream, path)
        except ShardError as error:
            if not self.settings.skip_unreadable:
                raise
            self.skipped += 1
            print(f"data: channel {self.channel.name}: passed over: {error}", file=sys.stderr, flush=True)


@contextmanager
def _named(stream: BinaryIO, path: str) -> Iterator[None]:
    """A mount or a connection that fails on the way, as an error with file and offset."""
    try:
        yield
    except OSError as error:
        try:
            offset = stream.tell()
        except OSError:
            offset = 0  # a pipe does not know
        raise ShardError(path, offset, error.strerror or str(error)) from error
