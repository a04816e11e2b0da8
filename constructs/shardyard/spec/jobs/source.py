"""The user's code as one zip: the same files give the same bytes on every machine and from every path."""

import hashlib
from pathlib import Path

from contract.zips import files_of, make_zip
from shardyard.spec.errors import Problem, SpecError


def bundle(folder: Path) -> bytes:
    """Zip a folder; of the files' modes, only the executable bit is kept."""
    if not folder.is_dir():
        raise SpecError([Problem("source.dir", f"{folder} is not a folder")])
    paths = {path.relative_to(folder).as_posix(): path for path in files_of(folder)}
    executable = [name for name, path in paths.items() if path.stat().st_mode & 0o100]
    return make_zip({name: path.read_bytes() for name, path in paths.items()}, executable=executable)


def sha256(content: bytes) -> str:
    """The hash under which a bundle is stored and checked."""
    return hashlib.sha256(content).hexdigest()
