"""Pipe mode: a pipe for each epoch, numbered from the job's start, read one after the other and each once."""

import contextlib
from io import BufferedReader
from pathlib import Path

from training.data.channel import Channel
from training.data.errors import DataError
from training.data.media import open_through

_MAY_BE_WRITTEN = 0o222


class Pipes:
    """The pipes of a channel. Their numbers are no epochs: a resumed job begins with pipe 0 again."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._next: int | None = None

    def open_next(self) -> tuple[str, BufferedReader]:
        """The next pipe's path, and its content as a stream once somebody writes to it."""
        number = self._first_unread() if self._next is None else self._next
        path = self._channel.pipe(number)
        if not path.is_fifo():
            raise DataError(f"the channel {self._channel.name!r} is in Pipe mode, and there is no pipe {path}")
        stream = open_through(str(path))
        self._next = number + 1
        with contextlib.suppress(OSError):
            # Nobody writes to it again: so a process that is restarted in place knows that it has been read
            path.chmod(path.stat().st_mode & ~_MAY_BE_WRITTEN)
        return str(path), stream

    def _first_unread(self) -> int:
        beginning = self._channel.folder.name + "_"
        endings = [path.name.removeprefix(beginning) for path in self._channel.folder.parent.glob(f"{beginning}*")]
        numbers = sorted(int(ending) for ending in endings if ending.isdecimal())
        return next((number for number in numbers if _is_unread(self._channel.pipe(number))), 0)


def _is_unread(path: Path) -> bool:
    return path.is_fifo() and path.stat().st_mode & _MAY_BE_WRITTEN != 0
