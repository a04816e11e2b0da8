"""Checkpoints as the service carries them: S3 to every node once, before it starts; after that only from node to S3."""

import logging
import random
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from yard.cloud.training.channels import check_name, refused
from yard.cloud.training.engine import CONTAINER_ROOT
from yard.cloud.training.folders import node_files
from yard.cloud.training.locations import Location
from yard.cloud.training.transfer import download, list_objects

DEFAULT_PATH = "/opt/ml/checkpoints"
log = logging.getLogger(__name__)


def local_folder(ml: Path, config: dict[str, Any]) -> Path:
    """Where a node keeps its checkpoints, as the machine sees it."""
    return ml / Path(config.get("LocalPath", DEFAULT_PATH)).relative_to(CONTAINER_ROOT)


def restore(client: Any, config: dict[str, Any], nodes: Sequence[Path]) -> None:
    """Give every node all that lies in S3: what any node left there before. `nodes` are their /opt/ml."""
    folders = [local_folder(ml, config) for ml in nodes]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    location = Location.parse(config["S3Uri"])
    prefix = location.key.rstrip("/") + "/" if location.key else ""
    for item in list_objects(client, Location(bucket=location.bucket, key=prefix)):
        name = item.key[len(prefix) :]
        check_name(location.bucket, item.key, name)
        for folder in folders:
            try:
                download(client, location.bucket, item, folder / name)
            except OSError as error:
                # deletions are not carried over: what was a file once and a folder later is both in S3
                raise refused(location.bucket, item.key, f"({error.strerror})") from error


class CheckpointSync(threading.Thread):
    """Copies new and changed files of all nodes to S3, in no particular order, until it is stopped; then once more.

    A deletion is not carried over, and what another puts into S3 meanwhile reaches no node.
    """

    def __init__(self, client: Any, config: dict[str, Any], nodes: Sequence[Path], period_seconds: float) -> None:
        super().__init__(name="checkpoints", daemon=True)
        self._client, self._period_seconds = client, period_seconds
        self._folders = [(local_folder(ml, config), ml) for ml in nodes]
        self._location = Location.parse(config["S3Uri"])
        self._sent = {
            path: _stamp(real) for folder, ml in self._folders for path, real in node_files(folder, ml).items()
        }
        self._stopping = threading.Event()
        self._last_look = True
        self.error: Exception | None = None

    def run(self) -> None:
        """Copy until `stop`."""
        while not self._stopping.wait(self._period_seconds):
            self._copy()
        if self._last_look:
            self._copy()

    def stop(self, *, last_look: bool) -> None:
        """End; `last_look` is False for instances that were taken away with what they had not sent."""
        self._last_look = last_look
        self._stopping.set()

    def _copy(self) -> None:
        found = [(folder, item) for folder, ml in self._folders for item in node_files(folder, ml).items()]
        random.shuffle(found)
        for folder, (path, real) in found:
            try:
                stamp = _stamp(real)
                if self._sent.get(path) == stamp:
                    continue
                target = self._location.below(str(path.relative_to(folder)))
                self._client.upload_file(str(real), target.bucket, target.key)
                self._sent[path] = stamp
            except FileNotFoundError:
                # renamed or removed between the look and the copy: the next look sees what became of it
                continue
            except (ClientError, BotoCoreError, OSError) as error:
                if self.error is None:
                    log.warning("checkpoints: %s", error)
                self.error = error
                return


def _stamp(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ino
