"""The disks that a training container writes to, and which of them are full."""

import os
from pathlib import Path
from typing import NamedTuple

_NEXT_TO_NOTHING_BYTES = 1 << 20
_FOLDERS = ("model", "checkpoints", "output")
_OTHERS = (Path("/tmp"), Path("/dev/shm"))
"""What fills up besides /opt/ml: data loaders hand batches over through /dev/shm, which is a disk of its own."""


class Disk(NamedTuple):
    """One disk, and the first of our places on it."""

    place: Path
    free_bytes: int

    @property
    def is_full(self) -> bool:
        """Whether next to nothing can be written to it."""
        return self.free_bytes < _NEXT_TO_NOTHING_BYTES

    @property
    def is_shared_memory(self) -> bool:
        """Whether no volume of the job's makes it larger."""
        return self.place == _OTHERS[-1]

    def __str__(self) -> str:
        mebibytes = self.free_bytes / 2**20
        free = f"{mebibytes:.1f} MiB" if mebibytes < 1024 else f"{mebibytes / 1024:.1f} GiB"
        return f"{free} free under {self.place}"


def read_disks(base: Path) -> list[Disk]:
    """Every disk under /opt/ml and beside it, each once: SageMaker mounts some of the folders, and not always."""
    found: dict[int, Disk] = {}
    for place in (base, *(base / name for name in _FOLDERS), *_OTHERS):
        try:
            device, space = place.stat().st_dev, os.statvfs(place)
        except OSError:
            continue
        # A memory disk without a limit has no size, and so is never full
        if space.f_blocks:
            found.setdefault(device, Disk(place=place, free_bytes=space.f_bavail * space.f_frsize))
    return list(found.values())


def describe_full(disks: list[Disk]) -> str:
    """Say which disk is full, how much room the others have, and what helps."""
    full = [disk for disk in disks if disk.is_full]
    others = ", ".join(str(disk) for disk in disks if not disk.is_full)
    where = ": " + " and ".join(map(str, full)) if full else ""
    advice = "give the job a larger volume"
    if full and all(disk.is_shared_memory for disk in full):
        advice = "use fewer workers of data loaders, or smaller batches"
    return f"the disk is full{where}{f' ({others})' if others else ''}; {advice}"
