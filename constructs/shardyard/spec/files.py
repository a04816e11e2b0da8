"""Reading the files that people write: plain files of a size that a person's file has."""

import errno
import os
import stat
from pathlib import Path

MOST_BYTES = 4_000_000
"""Ten thousand times the size of a job's file."""


def read_text(path: Path, *, encoding: str = "utf-8") -> str:
    """The text of a plain file; a pipe, which never ends, and what is far too large are errors like others."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(descriptor)
        if stat.S_ISDIR(about.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(about.st_mode):
            raise OSError(errno.EINVAL, "it is no plain file", str(path))
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise OSError(errno.EFBIG, f"it has more than {MOST_BYTES // 1_000_000} MB", str(path))
    return content.decode(encoding)
