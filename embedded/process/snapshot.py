"""A snapshot's first line: what the command must know of it before a process starts. Standard library only."""

import hashlib
import json
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

FILE = "kept"
_FOLDER = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """When a snapshot was taken, and by which code."""

    code: str
    """A snapshot holds the objects of one version of this cloud, of moto and of Python, and is read by no other."""

    time: str
    """When it was taken, as people write it."""

    def line(self) -> bytes:
        """The header as it is written."""
        return json.dumps(asdict(self)).encode() + b"\n"


def code() -> str:
    """The version of everything whose objects are in a snapshot."""
    found = hashlib.sha256(f"{sys.version_info[:2]} {version('moto')}".encode())
    for path in sorted(_FOLDER.rglob("*.py")):
        found.update(path.relative_to(_FOLDER).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def read(folder: Path) -> Header | None:
    """The header of the folder's snapshot, or None where there is none. Raises ValueError for one that is damaged."""
    try:
        with (folder / FILE).open("rb") as file:
            line = file.readline()
    except FileNotFoundError:
        return None
    try:
        return Header(**json.loads(line))
    except TypeError as error:
        raise ValueError(str(error)) from None
