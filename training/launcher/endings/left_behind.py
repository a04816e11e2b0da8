"""What a program saved where nothing keeps it: beside its code, whose folder is lost with the node."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

_MOST_NAMED = 3
_MADE_BY_PYTHON = ("__pycache__",)


def lost_files(code_dir: Path, bundle_dir: Path) -> str | None:
    """Names the files that came to the code after it was unpacked; None where there are none."""
    archives = sorted(bundle_dir.rglob("*.zip"))
    if not archives or not code_dir.is_dir():
        return None
    with zipfile.ZipFile(archives[0]) as bundle:
        came = set(bundle.namelist())
    found = sorted(_files(code_dir, came))
    if not found:
        return None
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return f"{', '.join(found[:_MOST_NAMED])}{more}"


def _files(code_dir: Path, came: set[str]) -> Iterator[str]:
    for path in code_dir.rglob("*"):
        parts = path.relative_to(code_dir).parts
        hidden = any(part.startswith(".") or part in _MADE_BY_PYTHON for part in parts)
        name = "/".join(parts)
        if not hidden and name not in came and path.is_file():
            yield name
