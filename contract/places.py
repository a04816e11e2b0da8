"""Where a name that somebody else chose may lie on a disk: below the folder that is meant for it, and nowhere else.

Keys in S3, entries of archives and paths in requests become files here, in the command, in the embedded cloud and in
a container. Standard library only.
"""

import os
from pathlib import Path

_PART_BYTES_MOST = 255
"""What Linux's file systems take."""


class MisplacedError(ValueError):
    """A name that would lead out of its folder, or that no file can have."""


def problem(name: str) -> str | None:
    """Why a relative name is no place below a folder, to follow its name in a sentence; None if it is one."""
    parts = name.split("/")
    if "" in parts:
        return "has an illegal char sub-sequence '//' in it"
    for part in parts:
        if part in (".", "..") or "\0" in part:
            return f"has an illegal part {part!r} in it"
        if len(part.encode(errors="surrogatepass")) > _PART_BYTES_MOST:
            return f"has a part of more than {_PART_BYTES_MOST} bytes in it"
    return None


def below(folder: Path, name: str) -> Path:
    """The path of a relative name in a folder; links that lie there already lead nowhere else either."""
    why = problem(name)
    if why is not None:
        raise MisplacedError(f"{name!r} {why}")
    return within(folder, name)


def within(folder: Path, path: str) -> Path:
    """The path in a folder, which `path` may walk through as it likes if it ends there."""
    found = folder / path
    try:
        whole, place = os.path.realpath(folder), os.path.realpath(found)
    except ValueError:  # NUL, or what no file system can write
        raise MisplacedError(f"{path!r} is no path") from None
    if place != whole and not place.startswith(whole.rstrip("/") + "/"):
        raise MisplacedError(f"{path!r} leads out of {folder}")
    return found
