"""What can be wrong with the data, said so that a person can act on it."""

import sys
from pathlib import Path

from contract.refusal import Refused

UNPACK = 'unpack it, let Pipe mode do it (compression = "Gzip"), or read it as it is with Files()'


class DataError(Refused):
    """The channel cannot be used as asked; the message says why and what to do."""


class ShardError(ValueError):
    """A file cannot be read; the message names the file and the offset. No refusal: a mount may come back."""

    def __init__(self, path: Path | str, offset: int, reason: str) -> None:
        self.path = str(path)
        self.offset = offset
        self.reason = reason
        # A name may hold bytes that are no text, and the message goes to files
        shown = self.path.encode(errors="backslashreplace").decode()
        super().__init__(f"{shown} cannot be read at byte {offset}: {reason}")

    def __reduce__(self) -> tuple[type["ShardError"], tuple[str, int, str]]:
        """Data loaders hand errors from process to process."""
        return ShardError, (self.path, self.offset, self.reason)


def say(text: str) -> None:
    """One line on standard error."""
    print(f"data: {text}", file=sys.stderr, flush=True)


def first_line(error: BaseException) -> str:
    """An error's message without the native stack traces that frameworks append."""
    return (str(error).splitlines() or [type(error).__name__])[0]
