"""Downloads objects from S3 to a node's disk."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedded.nodes.locations import Location

_WHOLE_BYTES_MOST = 8 * 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class S3Object:
    """One object of a listing."""

    key: str
    """The object's key."""
    size_bytes: int
    """The object's size."""


def list_objects(client: Any, location: Location) -> Iterator[S3Object]:
    """All objects under the location's prefix, in key order, without the console's folder markers."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=location.bucket, Prefix=location.key)
    for page in pages:
        for entry in page.get("Contents", []):
            if not entry["Key"].endswith("/"):
                yield S3Object(key=entry["Key"], size_bytes=entry["Size"])


def download(client: Any, bucket: str, item: S3Object, target: Path) -> None:
    """Fetch one object; small ones, which are most, in one request without a thread pool."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if item.size_bytes > _WHOLE_BYTES_MOST:
        client.download_file(bucket, item.key, str(target))
        return
    body = client.get_object(Bucket=bucket, Key=item.key)["Body"]
    with body, target.open("wb") as file:
        shutil.copyfileobj(body, file, 1 << 20)
