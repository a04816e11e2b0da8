"""Copies folders of the nodes to S3 while a job runs, such as its checkpoints."""

import logging
import os
import random
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from contract import places
from embedded.nodes.channels import ChannelError
from embedded.nodes.engine import CONTAINER_ROOT
from embedded.nodes.folders import node_files
from embedded.nodes.locations import Location
from embedded.weather.carriage import DELETION_LAG, DELETIONS, UPLOAD_SPEED

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Synced:
    """One folder of every node, and the destination of its files."""

    local_path: str
    """The folder as the node sees it, below /opt/ml."""
    location: Location
    follows_links: bool = True
    """Whether a link's content is sent under the link's name; otherwise links are left out."""
    carries_deletions: bool = True
    """Whether what a node deletes may be deleted in S3 too, if the weather is so."""
    encryption: Mapping[str, str] = field(default_factory=dict)
    """What each upload says of the key; without it the bucket's own is taken."""


def on_node(ml: Path, local_path: str) -> Path:
    """A folder of a container as this machine sees it; `ml` is the node's /opt/ml, out of which it never leads."""
    try:
        return places.within(ml, str(Path(local_path).relative_to(CONTAINER_ROOT)))
    except places.MisplacedError:
        raise ChannelError(f"ClientError: The folder {local_path} leads out of {CONTAINER_ROOT}") from None


class FolderSync(threading.Thread):
    """Copies new and changed files of all nodes to S3, in no particular order, until it is stopped; then once more.

    What others put into S3 in the meantime does not reach the nodes. The weather says how fast files are copied, and
    whether deletions are.
    """

    def __init__(self, client: Any, synced: Synced, nodes: Sequence[Path], period_seconds: float) -> None:
        """`nodes` are their /opt/ml."""
        super().__init__(name=f"sync {synced.local_path}", daemon=True)
        self._client, self._period_seconds = client, period_seconds
        self._folders = [(on_node(ml, synced.local_path), ml) for ml in nodes]
        self._synced, self._location = synced, synced.location
        self._sent = {path: _stamp(real) for _, path, real in self._files()}
        self._missing_since: dict[Path, float] = {}
        """When a file that had been sent was first seen to be gone from its node."""
        self._stopping, self._gone = threading.Event(), threading.Event()
        self._last_look = True
        self.error: Exception | None = None

    def run(self) -> None:
        """Copy until `stop`."""
        while not self._stopping.wait(self._period_seconds):
            self._look()
        if self._last_look:
            self._look()

    def stop(self, *, last_look: bool) -> None:
        """Stop; `last_look` is False if the instances are gone, and with them everything not yet copied."""
        self._last_look = last_look
        if not last_look:
            self._gone.set()
        self._stopping.set()

    def _look(self) -> None:
        try:
            self._copy()
            if self._synced.carries_deletions and DELETIONS.value != DELETIONS.fair:
                self._carry_deletions()
        except (Boto3Error, ClientError, BotoCoreError, OSError) as error:
            if self.error is None:
                log.warning("%s: %s", self.name, error)
            self.error = error

    def _copy(self) -> None:
        found = list(self._files())
        random.shuffle(found)
        for folder, path, real in found:
            try:
                stamp = _stamp(real)
                if self._sent.get(path) == stamp:
                    continue
                if self._gone.wait(self._seconds_for(stamp[0])):
                    return
                target = self._in_s3(folder, path)
                extra = dict(self._synced.encryption)
                self._client.upload_file(str(real), target.bucket, target.key, ExtraArgs=extra)
                self._sent[path] = stamp
            except FileNotFoundError:
                # renamed or removed since it was listed: the next round copies it
                continue

    def _files(self) -> Iterator[tuple[Path, Path, Path]]:
        """The files of all nodes: each one's folder, its path, and the path of its content."""
        for folder, ml in self._folders:
            for path, real in node_files(folder, ml, follows_links=self._synced.follows_links).items():
                yield folder, path, real

    def _seconds_for(self, size_bytes: int) -> float:
        """How long this many bytes take on one node; all nodes send at once, and here one after the other."""
        speed = UPLOAD_SPEED.value * len(self._folders)
        return 0.0 if speed == 0 else size_bytes / speed

    def _carry_deletions(self) -> None:
        """Delete in S3 what a node has deleted, whatever other nodes hold under the same name."""
        now = time.monotonic()
        for folder, _ in self._folders:
            for path in [path for path in self._sent if path.is_relative_to(folder)]:
                if os.path.lexists(path):
                    self._missing_since.pop(path, None)
                elif now - self._missing_since.setdefault(path, now) >= DELETION_LAG.value:
                    target = self._in_s3(folder, path)
                    self._client.delete_object(Bucket=target.bucket, Key=target.key)
                    del self._sent[path], self._missing_since[path]

    def _in_s3(self, folder: Path, path: Path) -> Location:
        return self._location.below(str(path.relative_to(folder)))


def _stamp(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ino
