"""The folder in which one node keeps the checkpoints of one run."""

import json
import os
import shutil
from collections.abc import Collection
from pathlib import Path

from training.pytorch.manifest import (
    MANIFEST,
    Damaged,
    FileEntry,
    Manifest,
    Save,
    hash_file,
    rank_folder,
    read_manifest,
)

LATEST = "latest.json"


class CheckpointStore:
    """Saves of one run under `folder/run_id`; no other run's are ever seen."""

    def __init__(self, folder: Path, run_id: str) -> None:
        if not run_id or "/" in run_id or run_id.startswith("."):
            raise ValueError(f"run id {run_id!r} cannot name a folder")
        self.run_id = run_id
        self.root = folder / run_id

    def saves(self) -> list[Save]:
        """Every save of which something is here, finished or not, the newest first."""
        if not self.root.is_dir():
            return []
        found = (Save.parse(path.name) for path in self.root.iterdir())
        return sorted((save for save in found if save is not None), reverse=True)

    def folder(self, save: Save) -> Path:
        """Where a save is."""
        return self.root / save.name

    def manifests(self, save: Save) -> tuple[dict[int, Manifest], list[str]]:
        """The sound manifests that are here, by rank, and a sentence about each that is not sound."""
        sound, problems = {}, []
        for path in sorted(self.folder(save).glob("rank-*")):
            rank = int(path.name.removeprefix("rank-"))
            try:
                manifest = read_manifest(self.folder(save), rank)
            except (Damaged, OSError) as error:
                problems.append(str(error))
                continue
            if manifest.run_id == self.run_id:
                sound[rank] = manifest
            else:
                problems.append(f"{save.name}/{path.name} belongs to run {manifest.run_id}, not to {self.run_id}")
        return sound, problems

    def begin(self, save: Save, rank: int) -> Path:
        """A new, empty folder for what one rank writes."""
        folder = self.folder(save) / rank_folder(rank)
        folder.mkdir(parents=True)
        return folder

    def finish(self, folder: Path, manifest: Manifest) -> None:
        """Write the manifest that makes what is in the folder count."""
        write_whole(folder / MANIFEST, manifest.encode())

    def abandon(self, save: Save, rank: int) -> None:
        """Remove what one rank has begun to write."""
        shutil.rmtree(self.folder(save) / rank_folder(rank), ignore_errors=True)

    def point_to(self, save: Save, world_size: int) -> None:
        """Say which save is the newest that every rank finished."""
        pointer = {"run_id": self.run_id, "step": save.step, "folder": save.name, "world_size": world_size}
        write_whole(self.root / LATEST, json.dumps(pointer).encode())

    def keep_only(self, keep: Collection[Save], newest: Save) -> None:
        """Remove every other save up to the newest complete one; later ones may be another rank's, still growing.

        Manifests go first, so that half a removal leaves an unfinished save.
        """
        for save in self.saves():
            if save in keep or save.step > newest.step:
                continue
            for manifest in self.folder(save).glob(f"rank-*/{MANIFEST}"):
                manifest.unlink(missing_ok=True)
            shutil.rmtree(self.folder(save), ignore_errors=True)


def describe_files(folder: Path) -> dict[str, FileEntry]:
    """What is in a folder."""
    return {path.name: hash_file(path) for path in sorted(folder.iterdir())}


def write_whole(path: Path, data: bytes) -> None:
    """Write a whole file or nothing: a reader sees the old content or the new.

    Nothing is flushed to the disk itself: a process that dies loses nothing that the kernel has, a machine that dies
    takes its disk along, and what is missing after all does not match its sha256. Flushing would cost most of a save.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(data)
    os.replace(temporary, path)
