"""Zips whose bytes depend on their files alone: not on the machine, the path, the clock or the version of zlib."""

import io
import os
import zipfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

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
_UNIX = 3


def make_zip(files: Mapping[str, bytes], *, executable: Collection[str] = ()) -> bytes:
    """Pack contents under their names: sorted, without times and owners, stored rather than deflated.

    zlib's output differs between its versions, and hashes of these bytes stand in templates.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _FIRST_DAY)
            entry.create_system = _UNIX
            entry.external_attr = (0o755 if name in executable else 0o644) << 16
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def files_of(folder: Path) -> Iterator[Path]:
    """Every file that counts, sorted by its path below the folder; caches and version control do not count."""
    for name in sorted(_names_below(str(folder))):
        yield folder / name


def _names_below(top: str) -> Iterator[str]:
    for above, folders, files in os.walk(top):
        folders[:] = [name for name in folders if _counts(name)]  # what does not count is not even looked into
        start = above[len(top) :].lstrip(os.sep).replace(os.sep, "/")
        for name in files:
            if _counts(name) and os.path.isfile(os.path.join(above, name)):
                yield f"{start}/{name}" if start else name


def _counts(name: str) -> bool:
    return name not in IGNORED_DIRECTORIES and not name.endswith(IGNORED_SUFFIXES)


def launcher_zip(root: Path) -> bytes:
    """A zip that Python runs as it is: all of contract/ and training/, named as in an image, and a `__main__.py`."""
    paths = [path for package in ("contract", "training") for path in files_of(root / package)]
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}
    return make_zip({**files, "__main__.py": files["training/launcher/__main__.py"]})
