"""The files of a folder of data: which of them travel, which stay here, and which S3 could not hold."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from yard.errors import UserError

_KEY_BYTES_MOST = 1024
"""S3's limit, in UTF-8."""
_SHOWN = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class DataFolder:
    """What is in a folder of data."""

    files: Mapping[str, Path]
    """By the name below the folder, sorted."""
    left_out: tuple[str, ...]
    """What stays here, sorted: hidden files and folders, links to folders or to nothing, pipes. A folder's name ends
    with a slash."""

    def told(self) -> str:
        """What is left out, in words: ` (left out: .git/, a, b and 2 more)`; empty if nothing is."""
        if not self.left_out:
            return ""
        more = len(self.left_out) - _SHOWN
        return f" (left out: {', '.join(self.left_out[:_SHOWN])}{f' and {more} more' if more > 0 else ''})"


def read(folder: Path, prefix: str) -> DataFolder:
    """Walk a folder whose files get keys below a prefix.

    Refuses links that lead out of the folder, since what they point to would leave this machine, and names that S3
    refuses.
    """
    files: dict[str, Path] = {}
    left_out: list[str] = []
    refused: dict[str, str] = {}
    for path, is_folder in _entries(folder):
        name = _name(path, folder)
        if name is None:
            refused[repr(os.fsencode(path.relative_to(folder)))] = "is not UTF-8"
        elif path.name.startswith("."):
            left_out.append(f"{name}/" if is_folder else name)
        elif path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
            refused[repr(name)] = "is a link that leads out of the folder"
        elif not path.is_file():
            left_out.append(name)
        elif (why := _unfit(prefix + name)) is not None:
            refused[repr(name)] = why
        else:
            files[name] = path
    if refused:
        raise _refusal(folder, refused)
    return DataFolder(files=dict(sorted(files.items())), left_out=tuple(sorted(left_out)))


def _entries(folder: Path) -> Iterable[tuple[Path, bool]]:
    """Everything below a folder but folders, and hidden folders, which are not entered."""
    for place, folders, names in os.walk(folder, onerror=_raise):
        hidden = [name for name in folders if name.startswith(".")]
        linked = [name for name in folders if name not in hidden and Path(place, name).is_symlink()]
        folders[:] = [name for name in folders if name not in hidden]
        yield from ((Path(place, name), True) for name in hidden)
        yield from ((Path(place, name), False) for name in [*linked, *names])


def _raise(error: OSError) -> None:
    raise error


def _name(path: Path, folder: Path) -> str | None:
    """The name below the folder, whatever the locale is; None if its bytes are not UTF-8."""
    try:
        return os.fsencode(path.relative_to(folder)).decode("utf-8")
    except UnicodeDecodeError:
        return None


def _unfit(key: str) -> str | None:
    size = len(key.encode())
    if size > _KEY_BYTES_MOST:
        return f"makes a key of {size:,} bytes, and S3 takes {_KEY_BYTES_MOST:,}"
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in key):
        return "has a line break or another control character in it"
    return None


def _refusal(folder: Path, refused: Mapping[str, str]) -> UserError:
    lines = [f"{name} {why}." for name, why in list(refused.items())[:_SHOWN]]
    more = len(refused) - len(lines)
    return UserError(
        f"{folder} cannot be uploaded as it is; nothing was sent:\n"
        + "\n".join(lines)
        + (f"\n{more} more are refused." if more else ""),
        "Rename such files; copy what a link points to, or take the link away.",
    )
