"""What this machine knows of uploaded objects, so that comparing a folder takes one listing and no call per object.

An object's entity tag changes with every write, so a checksum once seen beside a tag holds for as long as the listing
shows that tag. What is not known, or no longer true, costs one call more and nothing else.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(kw_only=True, slots=True)
class Uploaded:
    """Checksums of the objects below one prefix, by key and entity tag."""

    file: Path | None = None
    """Where they are kept; None to forget them."""
    seen: dict[str, tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, bucket: str, prefix: str) -> "Uploaded":
        """What is known of a prefix; `folder` is the project's .yard."""
        name = hashlib.sha256(f"{bucket}/{prefix}".encode()).hexdigest()[:32]
        file = folder / "uploaded" / f"{name}.json"
        return cls(file=file, seen=_read(file))

    def checksum(self, found: Mapping[str, Any]) -> str | None:
        """The checksum of a listed object, if it is still the one that was seen."""
        tag, checksum = self.seen.get(found["Key"], (None, None))
        return checksum if tag == found["ETag"] else None

    def keep(self) -> None:
        """Write it down; a folder that cannot be written only makes the next comparison slower."""
        if self.file is None:
            return
        with contextlib.suppress(OSError):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            beside = self.file.with_suffix(f".{os.getpid()}")
            beside.write_text(json.dumps(self.seen), encoding="utf-8")
            beside.replace(self.file)


def _read(file: Path) -> dict[str, tuple[str, str]]:
    """The file, or nothing if it is missing or damaged."""
    try:
        kept = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(kept, dict):
        return {}
    return {
        key: (pair[0], pair[1])
        for key, pair in kept.items()
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(one, str) for one in pair)
    }
