"""Whose code a function is: what this project's own synthesis holds, file by file, is the owner's; nothing else is.

Where namespaces are forbidden a function is a plain process of the owner's. There a stranger's template would run code
with all that the owner may do, so its functions wait until the owner has said that they may.
"""

import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from embedded.nodes import sandbox
from embedded.services.lambda_ import cfnresponse
from embedded.settings import current

_ASSEMBLY = "cdk.out"
_lock = threading.Lock()
_known: tuple[object, frozenset[str]] = (None, frozenset())


def refusal(name: str, zips: Iterable[bytes]) -> str | None:
    """Why a function made of these zips does not run here; None if it does."""
    if current.isolation != "auto" or current.allow_unisolated or sandbox.best().isolation != "loopback":
        return None
    own = _own()
    if all(_of_zip(code) in own for code in zips):
        return None
    place = current.project_root / _ASSEMBLY
    return (
        f"{name} is not code of this project ({place} does not hold it), and here {_NOT_KEPT}. "
        "If you trust it: yard cloud settings allow_unisolated=true, or yard cloud up --allow-unisolated"
    )


_NOT_KEPT = sandbox.NOT_KEPT_APART.partition(";")[0]


def _own() -> frozenset[str]:
    """The digests of all code in the project's assembly, read again when that has changed."""
    global _known
    folder = current.project_root / _ASSEMBLY
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    state = tuple((entry.name, entry.stat().st_mtime_ns) for entry in entries)
    with _lock:
        if _known[0] != (folder, state):
            _known = (folder, state), frozenset(_digests(folder))
        return _known[1]


def _digests(folder: Path) -> Iterator[str]:
    for asset in folder.glob("asset.*"):
        if asset.is_dir():
            yield _digest((file.relative_to(asset).as_posix(), file.read_bytes()) for file in _files(asset))
        elif asset.suffix == ".zip":
            yield _of_zip(asset.read_bytes())
    for template in folder.rglob("*.template.json"):
        for text in _inline(json.loads(template.read_text(encoding="utf-8"))):
            yield _digest([("index.py", text.encode()), ("cfnresponse.py", Path(cfnresponse.__file__).read_bytes())])


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*") if file.is_file())


def _inline(value: Any) -> Iterator[str]:
    """Code that stands in a template itself."""
    if isinstance(value, dict):
        if isinstance(value.get("ZipFile"), str):
            yield value["ZipFile"]
        for item in value.values():
            yield from _inline(item)
    elif isinstance(value, list):
        for item in value:
            yield from _inline(item)


def _of_zip(code: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(code)) as archive:
        return _digest((item.filename, archive.read(item)) for item in archive.infolist() if not item.is_dir())


def _digest(files: Iterable[tuple[str, bytes]]) -> str:
    whole = hashlib.sha256()
    for name, content in sorted(files):
        whole.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return whole.hexdigest()
