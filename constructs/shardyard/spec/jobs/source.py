"""The user's own code as one zip: the same files give the same bytes on every machine and from every path."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from shardyard.spec.errors import Problem, SpecError

IGNORED_DIRECTORIES = frozenset(
    {
        ".git",
        "__pycache__",
        ".venv",
        "node_modules",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".ipynb_checkpoints",
    }
)
IGNORED_SUFFIXES = (".pyc", ".pyo", ".egg-info")
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)


def bundle(folder: Path) -> bytes:
    """Zip a folder: files sorted by name, no times, no owners, only the executable bit kept."""
    if not folder.is_dir():
        raise SpecError([Problem("source.dir", f"{folder} is not a folder")])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in files_of(folder):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _FIRST_DAY)
            entry.create_system = 3  # Unix, on whatever this runs
            entry.external_attr = (0o755 if path.stat().st_mode & 0o100 else 0o644) << 16
            # Stored, not deflated: zlib's output differs between its versions, and code is small.
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_STORED)
    return buffer.getvalue()


def sha256(content: bytes) -> str:
    """The hash by which a bundle is stored and checked."""
    return hashlib.sha256(content).hexdigest()


def files_of(folder: Path) -> Iterator[Path]:
    """Every file that counts, sorted by its path below the folder; caches and version control do not count."""
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
        parts = path.relative_to(folder).parts
        ignored = any(part in IGNORED_DIRECTORIES or part.endswith(IGNORED_SUFFIXES) for part in parts)
        if path.is_file() and not ignored:
            yield path
