"""Sending to S3, before the container ends, what would be lost with it."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contract.saves import MANIFEST, RANK, SAVE
from training.saves.mirror import Mirror, Unreachable

_LOOK_SECONDS = 1.0
"""Between two looks at what other nodes have sent."""
_TRIES = 5
"""How often S3 may be out of reach meanwhile: what this node has to send is there by then."""


def carry(mirror: Mirror, run_id: str, *, since: float, note: Callable[[str], None]) -> None:
    """After an interruption: the newest save of the run, until every node's part of it is in S3; else all files.

    `note` is told what S3 still lacks, as it changes. `since` is when this container started.
    """
    save = newest_save(mirror.folder / run_id)
    below = "" if save is None else f"{run_id}/{save.name}"
    lacking = mirror.lacking(below, since=since if save is None else float("inf"))
    if lacking:
        note(f"{len(lacking)} files of {mirror.folder / below} are not sent yet")
        mirror.send(lacking)
    tries_left = _TRIES
    while save is not None and tries_left:
        try:
            missing = missing_part(mirror, below, world_size(save))
        except Unreachable:
            tries_left -= 1
            if not tries_left:
                raise
            time.sleep(_LOOK_SECONDS)
            continue
        if not missing:
            return
        note(missing)
        time.sleep(_LOOK_SECONDS)


def carry_what_there_is(mirror: Mirror, *, since: float, note: Callable[[str], None]) -> None:
    """After a failure: whatever S3 lacks, the newest first; other nodes see to theirs."""
    lacking = mirror.lacking(since=since)
    if lacking:
        note(f"{len(lacking)} files of {mirror.folder} are not sent yet")
        mirror.send(lacking)


def newest_save(folder: Path) -> Path | None:
    """The save that a rank of this node finished last; None where there is none, or saves of another make.

    The later start counts before the higher step: an earlier one may have left a step behind that could not be used.
    """
    found = [path.parent.parent for path in folder.glob(f"step-*/rank-*/{MANIFEST}")]
    saves = {path: SAVE.fullmatch(path.name) for path in found}
    order = {path: (int(match[2]), int(match[1])) for path, match in saves.items() if match is not None}
    return max(order, key=lambda path: order[path], default=None)


def world_size(save: Path) -> int:
    """How many ranks wrote the save."""
    manifest = next(save.glob(f"rank-*/{MANIFEST}"))
    return int(json.loads(manifest.read_bytes())["world_size"])


def missing_part(mirror: Mirror, save: str, ranks: int) -> str:
    """What S3 lacks of a save, one part of it; empty where the save is whole there."""
    sizes = {name.removeprefix(f"{save}/"): stored.size for name, stored in mirror.stored(save).items()}
    manifests = {int(match[1]): name for name in sizes if (match := RANK.fullmatch(name.removesuffix(f"/{MANIFEST}")))}
    absent = sorted(set(range(ranks)) - manifests.keys())
    if absent:
        more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        return f"rank {absent[0]}{more} of {save} is not there"
    names = [manifests[rank] for rank in range(ranks)]
    for name, content in zip(names, mirror.read([f"{save}/{name}" for name in names]), strict=True):
        files: dict[str, Any] = json.loads(content)["files"]
        for file, entry in files.items():
            place = f"{name.removesuffix(MANIFEST)}{file}"
            if sizes.get(place) != entry["bytes"]:
                return f"{save}/{place} is not there as it was written"
    return ""
