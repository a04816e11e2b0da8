"""Uploading a folder: many files at once, checked by the service, and only what is missing."""

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yard.transfer.data_folder import DataFolder
from yard.transfer.uploaded import Uploaded

_THREADS = 16
_DELETED_AT_ONCE = 1000
_WHOLE_BYTES = 8 * 1024 * 1024
"""Up to this size, a file goes in one request, without the transfer manager's threads."""
_PART_BYTES = 8 * 1024 * 1024
_PARTS_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Item:
    """One file and the key it gets."""

    path: Path
    key: str
    size: int


def plan(folder: DataFolder, prefix: str) -> list[Item]:
    """Every file of a folder with its key, in the order of the keys."""
    return [Item(path, prefix + name, path.stat().st_size) for name, path in folder.files.items()]


def missing(
    s3: Any, bucket: str, items: list[Item], there: Mapping[str, Mapping[str, Any]], uploaded: Uploaded
) -> list[Item]:
    """The items that are not in the bucket yet, so that an interrupted upload resumes where it stopped.

    Checksums decide, never times: a copied or unpacked folder may have any. S3 keeps the checksum that it compared
    each body with, which `uploaded` remembers.
    """

    def is_there(item: Item) -> bool:
        found = there.get(item.key)
        if found is None or found["Size"] != item.size:
            return False
        kept = uploaded.checksum(found)
        if kept is None:
            kept = _remember(s3, bucket, item.key, uploaded)
        return kept is not None and kept == _checksum(item)

    with ThreadPoolExecutor(_THREADS) as pool:
        known = list(pool.map(is_there, items))
    return [item for item, is_known in zip(items, known, strict=True) if not is_known]


def _remember(s3: Any, bucket: str, key: str, uploaded: Uploaded) -> str | None:
    """Ask S3 for an object's checksum; what other tools have sent may have none."""
    answer = s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    checksum: str | None = answer.get("ChecksumSHA256")
    if checksum is not None:
        uploaded.seen[key] = (answer["ETag"], checksum)
    return checksum


def _checksum(item: Item) -> str:
    """A file's SHA-256 as S3 keeps it: of an object that was sent in parts, the digest of the parts' digests."""
    with item.path.open("rb") as file:
        if item.size <= _WHOLE_BYTES:
            return _base64(hashlib.file_digest(file, "sha256").digest())
        size = _part_bytes(item.size)
        digests = [hashlib.sha256(part).digest() for part in iter(lambda: file.read(size), b"")]
    return f"{_base64(hashlib.sha256(b''.join(digests)).digest())}-{len(digests)}"


def _part_bytes(size: int) -> int:
    """The size of a part, doubled until there are no more than S3 takes, as the transfer manager doubles it."""
    part = _PART_BYTES
    while size > part * _PARTS_MOST:
        part *= 2
    return part


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def list_objects(s3: Any, bucket: str, prefix: str) -> dict[str, dict[str, Any]]:
    """What is under a prefix, by key."""
    return {found["Key"]: found for found in objects(s3, bucket, prefix)}


def delete(s3: Any, bucket: str, keys: list[str]) -> None:
    """Remove objects, a thousand per call."""
    for first in range(0, len(keys), _DELETED_AT_ONCE):
        batch = [{"Key": key} for key in keys[first : first + _DELETED_AT_ONCE]]
        s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})


def send(s3: Any, bucket: str, items: list[Item], uploaded: Uploaded, *, on_file: Callable[[Item], None]) -> None:
    """Upload the items, several at once; the service checks each body against its SHA-256."""
    try:
        with ThreadPoolExecutor(_THREADS) as pool:
            for item in pool.map(lambda item: _send_one(s3, bucket, item, uploaded), items):
                on_file(item)
    finally:
        uploaded.keep()


def _send_one(s3: Any, bucket: str, item: Item, uploaded: Uploaded) -> Item:
    if item.size > _WHOLE_BYTES:
        from boto3.s3.transfer import TransferConfig

        parts = TransferConfig(multipart_chunksize=_part_bytes(item.size))
        s3.upload_file(str(item.path), bucket, item.key, ExtraArgs={"ChecksumAlgorithm": "SHA256"}, Config=parts)
        _remember(s3, bucket, item.key, uploaded)
        return item
    body = item.path.read_bytes()
    checksum = _base64(hashlib.sha256(body).digest())
    answer = s3.put_object(Bucket=bucket, Key=item.key, Body=body, ChecksumSHA256=checksum)
    uploaded.seen[item.key] = (answer["ETag"], checksum)
    return item


def objects(s3: Any, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
    """Every object under a prefix."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        yield from page.get("Contents", [])
