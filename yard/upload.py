"""Uploading a folder: many files at once, checked by the service, and only what is missing."""

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_THREADS = 16
_DELETED_AT_ONCE = 1000
_WHOLE_BYTES = 8 * 1024 * 1024
"""Up to this size, a file goes in one request, without the transfer manager's threads."""


@dataclass(frozen=True, slots=True)
class Item:
    """One file and the key it gets."""

    path: Path
    key: str
    size: int


def plan(folder: Path, prefix: str) -> list[Item]:
    """Every file under a folder, in the order of its key; hidden files are left out."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [
        Item(path, prefix + path.relative_to(folder).as_posix(), path.stat().st_size)
        for path in files
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def missing(s3: Any, bucket: str, items: list[Item], there: Mapping[str, Mapping[str, Any]]) -> list[Item]:
    """The items that are not in the bucket yet, so that an interrupted upload resumes where it stopped.

    A different size means different content. An object that is newer than the file is the file. In between (S3 has
    whole seconds, and a copied folder may keep its old times), the SHA-256 that S3 stores decides.
    """
    unlike = [item for item in items if there.get(item.key, {}).get("Size") != item.size]
    doubtful = [item for item in items if item not in set(unlike) and not _is_younger(there[item.key], item)]
    with ThreadPoolExecutor(_THREADS) as pool:
        same = list(pool.map(lambda item: _has_same_content(s3, bucket, item), doubtful))
    wanted = {*unlike, *(item for item, is_same in zip(doubtful, same, strict=True) if not is_same)}
    return [item for item in items if item in wanted]


def _is_younger(found: Mapping[str, Any], item: Item) -> bool:
    return bool(found["LastModified"].timestamp() >= item.path.stat().st_mtime)


def _has_same_content(s3: Any, bucket: str, item: Item) -> bool:
    """Compare checksums; an object that was sent in parts has none of the whole, so it is sent again."""
    kept = s3.head_object(Bucket=bucket, Key=item.key, ChecksumMode="ENABLED").get("ChecksumSHA256")
    if kept is None:
        return False
    with item.path.open("rb") as file:
        return bool(kept == base64.b64encode(hashlib.file_digest(file, "sha256").digest()).decode())


def list_objects(s3: Any, bucket: str, prefix: str) -> dict[str, dict[str, Any]]:
    """What is under a prefix, by key."""
    return {found["Key"]: found for found in objects(s3, bucket, prefix)}


def delete(s3: Any, bucket: str, keys: list[str]) -> None:
    """Remove objects, a thousand per call."""
    for first in range(0, len(keys), _DELETED_AT_ONCE):
        batch = [{"Key": key} for key in keys[first : first + _DELETED_AT_ONCE]]
        s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})


def send(s3: Any, bucket: str, items: list[Item], *, on_file: Callable[[Item], None]) -> None:
    """Upload the items, several at once; the service checks each body against its SHA-256."""
    with ThreadPoolExecutor(_THREADS) as pool:
        for item in pool.map(lambda item: _send_one(s3, bucket, item), items):
            on_file(item)


def _send_one(s3: Any, bucket: str, item: Item) -> Item:
    if item.size <= _WHOLE_BYTES:
        s3.put_object(Bucket=bucket, Key=item.key, Body=item.path.read_bytes(), ChecksumAlgorithm="SHA256")
    else:
        s3.upload_file(str(item.path), bucket, item.key, ExtraArgs={"ChecksumAlgorithm": "SHA256"})
    return item


def objects(s3: Any, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
    """Every object under a prefix."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        yield from page.get("Contents", [])
