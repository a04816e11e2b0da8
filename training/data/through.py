"""Reading one file, or the node's pipe, from its beginning to its end, and passing over what is damaged."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from io import BufferedReader
from typing import Any, BinaryIO

from contract.world import World
from training.data.channel import Channel
from training.data.errors import DataError, ShardError, say
from training.data.media import open_through, require_unpacked
from training.data.pipes import Pipes
from training.data.readers import THROUGH, Files, Npy, Reader


class Through:
    """The samples of a channel's files and pipes, each read in its own order."""

    def __init__(self, channel: Channel, reader: Reader, *, skip_unreadable: bool) -> None:
        self._channel, self._reader, self._skip_unreadable = channel, reader, skip_unreadable
        self._pipes = Pipes(channel) if channel.mode == "Pipe" else None
        self.skipped = 0
        """How many files and samples were skipped."""

    def file(self, path: str) -> Iterator[Any]:
        """The samples of one file."""
        return self._read(path, open_through)

    def pipe(self) -> Iterator[Any]:
        """The samples of the next pipe."""
        assert self._pipes is not None
        path, stream = self._pipes.open_next()
        skipped = self.skipped
        with stream:
            # Object comes behind object, and a tar is over before the pipe is
            while stream.peek(1) and self.skipped == skipped:
                yield from self._read(path, lambda _: nullcontext(stream))

    def _read(self, path: str, open_: Callable[[str], AbstractContextManager[BufferedReader]]) -> Iterator[Any]:
        try:
            with open_(path) as stream, _named(stream, path):
                if isinstance(self._reader, THROUGH):
                    require_unpacked(stream.peek(2), path)
                samples = self._reader.stream(stream, path)
                while True:
                    try:
                        yield from samples
                        return
                    except ShardError as error:
                        # Once more: behind a damaged line comes the next one. Where nothing comes, this was the end
                        self._pass_over(error)
        except ShardError as error:
            self._pass_over(error)

    def _pass_over(self, error: ShardError) -> None:
        if not self._skip_unreadable:
            raise error
        self.skipped += 1
        say(f"channel {self._channel.name}: skipped: {error}")


def reader_of_pipe(channel: Channel, reader: Reader | None, world: World) -> Reader:
    """The reader, where a pipe can be read with it."""
    if world.local_world_size > 1:
        raise DataError(
            f"the channel {channel.name!r} is a pipe, which the {world.local_world_size} processes of a node "
            "cannot share: use FastFile mode, or one process a node"
        )
    if reader is None:
        raise DataError(f"the channel {channel.name!r} is a pipe, which has no file names: say its `reader`")
    if isinstance(reader, Files | Npy):
        raise DataError(
            f"the channel {channel.name!r} is a pipe, which does not say where files begin: set the channel's "
            'record_wrapper = "RecordIO" and read it with RecordIO(), or use FastFile mode'
        )
    return reader


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
