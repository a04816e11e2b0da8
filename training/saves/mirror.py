"""A folder of this node and its place in S3, where SageMaker copies it to: what is there, and sending what is not.

SageMaker copies files in an order and at a speed of its own, and promises no copy after the container has ended.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from contract.paths import CHECKPOINT_FOLDER, local_path
from contract.variables import CHECKPOINT_DIR, CHECKPOINT_S3

_SENDERS = 4
"""Files that are sent at once; a large one has several connections of its own."""
_CONNECT_SECONDS, _READ_SECONDS = 5, 20


class Unreachable(Exception):
    """S3 cannot be asked from here; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """One object."""

    size: int
    modified: float
    """When it was written, as seconds of the clock; S3 keeps whole ones."""


class Mirror:
    """The folder and its place."""

    def __init__(self, folder: Path, uri: str) -> None:
        self.folder = folder
        self.uri = uri.rstrip("/")
        self._bucket, _, self._prefix = self.uri.removeprefix("s3://").partition("/")
        self._client: Any = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Self | None:
        """The checkpoints of this job; None where it has no place for them in S3."""
        uri = environ.get(CHECKPOINT_S3)
        return None if uri is None else cls(checkpoint_folder(environ), uri)

    def stored(self, below: str = "") -> dict[str, Stored]:
        """The objects below a folder of the place, by their names there."""
        root = f"{self._prefix}/" if self._prefix else ""
        prefix = f"{root}{below}/" if below else root
        client = self._s3()
        with _told():
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return {
                entry["Key"].removeprefix(root): Stored(size=entry["Size"], modified=entry["LastModified"].timestamp())
                for page in pages
                for entry in page.get("Contents", [])
            }

    def lacking(self, below: str = "", *, since: float = float("inf")) -> list[Path]:
        """The files that S3 does not hold as they are here: the newest folder first, of each its newest file last.

        Before `since` nothing has been written over: of a file that is older, the size tells enough.
        """
        stored = self.stored(below)
        files: list[tuple[Path, float]] = []
        for path, status in _files(self.folder / below):
            there = stored.get(str(path.relative_to(self.folder)))
            if there is None or there.size != status.st_size or there.modified < status.st_mtime >= since:
                files.append((path, status.st_mtime))
        newest: dict[Path, float] = {}
        for path, modified in files:
            newest[path.parent] = max(modified, newest.get(path.parent, modified))
        files.sort(key=lambda file: (-newest[file[0].parent], str(file[0].parent), file[1]))
        return [path for path, _ in files]

    def send(self, files: Sequence[Path]) -> None:
        """Send files, several at a time, in their order; what has been removed meanwhile is left out."""
        client = self._s3()
        with _told(), ThreadPoolExecutor(_SENDERS) as senders:
            for _ in senders.map(lambda path: self._send(client, path), files):
                pass

    def _send(self, client: Any, path: Path) -> None:
        key = str(path.relative_to(self.folder))
        try:
            client.upload_file(str(path), self._bucket, f"{self._prefix}/{key}" if self._prefix else key)
        except FileNotFoundError:
            return

    def read(self, names: Sequence[str]) -> list[bytes]:
        """Small objects, by their names in the place."""
        client, root = self._s3(), f"{self._prefix}/" if self._prefix else ""
        with _told(), ThreadPoolExecutor(_SENDERS) as readers:
            return list(
                readers.map(lambda name: client.get_object(Bucket=self._bucket, Key=root + name)["Body"].read(), names)
            )

    def _s3(self) -> Any:
        if self._client is None:
            self._client = _make_client()
        return self._client


def checkpoint_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder that SageMaker copies."""
    return local_path(environ.get(CHECKPOINT_DIR, CHECKPOINT_FOLDER), environ)


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            try:
                yield path, path.stat()
            except FileNotFoundError:
                continue


@contextmanager
def _told() -> Iterator[None]:
    """botocore's errors as ours; it is imported by whoever made a client."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as error:
        raise Unreachable(str(error)) from error


def _make_client() -> Any:
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise Unreachable("the image has no boto3: add it to the image's requirements.txt") from error
    region = os.environ.get("AWS_REGION", os.environ.get("AWS_DEFAULT_REGION"))
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 4},
    )
    with _told():
        return boto3.client("s3", region_name=region, config=config)
