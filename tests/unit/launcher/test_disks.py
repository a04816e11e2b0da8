"""Which disk is full: each one once, by the first of the job's places on it."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from training.launcher.endings.disks import Disk, describe_full, read_disks

ROOM = Disk(place=Path("/opt/ml"), free_bytes=3 << 29)
MODEL = Disk(place=Path("/opt/ml/model"), free_bytes=0)
SHARED_MEMORY = Disk(place=Path("/dev/shm"), free_bytes=(1 << 20) - 1)


@pytest.mark.parametrize(
    ("disks", "says"),
    [
        ([ROOM], "the disk is full (1.5 GiB free under /opt/ml); give the job a larger volume"),
        ([MODEL], "the disk is full: 0.0 MiB free under /opt/ml/model; give the job a larger volume"),
        (
            [ROOM, MODEL, Disk(place=Path("/tmp"), free_bytes=1 << 20)],
            "the disk is full: 0.0 MiB free under /opt/ml/model (1.5 GiB free under /opt/ml, "
            "1.0 MiB free under /tmp); give the job a larger volume",
        ),
        (
            [MODEL, SHARED_MEMORY],
            "the disk is full: 0.0 MiB free under /opt/ml/model and 1.0 MiB free under /dev/shm; "
            "give the job a larger volume",
        ),
        (
            [ROOM, SHARED_MEMORY],
            "the disk is full: 1.0 MiB free under /dev/shm (1.5 GiB free under /opt/ml); "
            "use fewer workers of data loaders, or smaller batches",
        ),
    ],
)
def test_the_full_disk_is_named_and_the_others_with_their_room(disks: list[Disk], says: str) -> None:
    assert describe_full(disks) == says


@pytest.mark.parametrize("name", ["model", "checkpoints", "output"])
def test_each_disk_is_looked_at_once_also_where_a_folder_is_one_of_its_own(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = next(folder for folder in ("model", "output") if folder != name)
    # The memory disk without a limit has no blocks at all
    devices = {tmp_path: 1, tmp_path / name: 2, tmp_path / other: 1, Path("/tmp"): 3, Path("/dev/shm"): 4}
    blocks = {tmp_path: (100, 9), tmp_path / name: (100, 1), Path("/tmp"): (100, 5), Path("/dev/shm"): (0, 0)}

    def stat(path: Path) -> SimpleNamespace:
        if path not in devices:
            raise FileNotFoundError
        return SimpleNamespace(st_dev=devices[path])

    def statvfs(path: Path) -> SimpleNamespace:
        size, free = blocks.get(path, (100, 7))
        return SimpleNamespace(f_blocks=size, f_bavail=free, f_frsize=4096)

    monkeypatch.setattr(Path, "stat", stat)
    monkeypatch.setattr(os, "statvfs", statvfs)
    assert read_disks(tmp_path) == [
        Disk(place=tmp_path, free_bytes=9 * 4096),
        Disk(place=tmp_path / name, free_bytes=4096),
        Disk(place=Path("/tmp"), free_bytes=5 * 4096),
    ]
