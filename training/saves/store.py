"""Where the checkpoints of one run are kept: each node's own folder, or one prefix in S3 for all of them."""

import json
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from contract.saves import MANIFEST, RANK
from training.saves.manifest import Damaged, Manifest, Save, rank_folder, read_manifest
from training.saves.storage import storage_at
from training.saves.unfit import Unfit

LATEST = "latest.json"
_READERS = 16
"""Manifests that are read at once: in S3 each one is a request, and a run of many ranks has many."""


class CheckpointStore:
    """Saves of one run under `location/run_id`; no other run's are ever seen."""

    def __init__(self, location: Path | str, run_id: str) -> None:
        if not run_id or "/" in run_id or run_id.startswith("."):
            raise Unfit(f"run id {run_id!r} cannot name a folder")
        if not str(location):
            raise Unfit("the folder for checkpoints is an empty string: name one, or None for /opt/ml/checkpoints")
        if str(location).rstrip("/") == "s3:":
            raise Unfit(f"the folder for checkpoints is {str(location)!r}, without a bucket: s3://bucket/prefix/")
        self.run_id = run_id
        self.storage = storage_at(f"{str(location).rstrip('/')}/{run_id}")

    def saves(self) -> list[Save]:
        """Every save of which something is here, finished or not, the newest first."""
        found = (Save.parse(name) for name in self.storage.children(""))
        return sorted((save for save in found if save is not None), reverse=True)

    def manifests(self, save: Save) -> tuple[dict[int, Manifest], list[str]]:
        """The sound manifests that are here, by rank, and a sentence about each that is not sound."""
        ranks = [int(match[1]) for name in self.storage.children(save.name) if (match := RANK.fullmatch(name))]
        sound: dict[int, Manifest] = {}
        problems: list[str] = []
        with ThreadPoolExecutor(_READERS) as readers:
            for rank, found in zip(ranks, readers.map(lambda rank: self._read(save, rank), ranks), strict=True):
                if isinstance(found, Manifest):
                    sound[rank] = found
                else:
                    problems.append(found)
        return sound, problems

    def _read(self, save: Save, rank: int) -> Manifest | str:
        try:
            manifest = read_manifest(self.storage, save, rank)
        except Damaged as error:
            return str(error)
        if manifest.run_id == self.run_id:
            return manifest
        return f"{save.name}/{rank_folder(rank)} belongs to run {manifest.run_id}, not to {self.run_id}"

    def begin(self, save: Save, rank: int) -> str:
        """A new, empty folder for what one rank writes."""
        folder = f"{save.name}/{rank_folder(rank)}"
        self.storage.make_folder(folder)
        return folder

    def finish(self, folder: str, manifest: Manifest) -> None:
        """Write the manifest that makes what is in the folder count."""
        self.storage.write_whole(f"{folder}/{MANIFEST}", manifest.encode())

    def abandon(self, folder: str) -> None:
        """Remove what one rank has begun to write."""
        self.storage.remove(folder)

    def point_to(self, save: Save, world_size: int) -> None:
        """Say which save is the newest that every rank finished."""
        pointer = {"run_id": self.run_id, "step": save.step, "folder": save.name, "world_size": world_size}
        self.storage.write_whole(LATEST, json.dumps(pointer).encode())

    def keep_only(self, keep: Collection[Save], newest: Save) -> None:
        """Remove every other save up to the newest complete one; later ones may be another rank's, still growing.

        Manifests go first, so that half a removal leaves an unfinished save.
        """
        for save in self.saves():
            if save in keep or save.step > newest.step:
                continue
            for rank in self.storage.children(save.name):
                self.storage.remove(f"{save.name}/{rank}/{MANIFEST}")
            self.storage.remove(save.name)
