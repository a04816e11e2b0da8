"""S3 in a dictionary, in the shape of the part of boto3's client that mirrors use."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError


class FakeBucket:
    """One bucket. `refuse` holds the operations that the role may not do."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.modified: dict[str, float] = {}
        self.sent: list[str] = []
        self.lists = 0
        self.refuse: set[str] = set()

    def put(self, key: str, data: bytes, modified: float = 2e9) -> None:
        """An object, without a request."""
        self.objects[key], self.modified[key] = data, modified

    def get_paginator(self, operation: str) -> Any:
        """As boto3's; each page holds one object."""
        self._check(operation)
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:
        """Pages of what begins with the prefix."""
        self.lists += 1
        yield {}
        for key in sorted(self.objects):
            if key.startswith(Prefix):
                when = datetime.fromtimestamp(self.modified[key], UTC)
                yield {"Contents": [{"Key": key, "Size": len(self.objects[key]), "LastModified": when}]}

    def upload_file(self, path: str, bucket: str, key: str) -> None:
        """A file's content becomes an object."""
        self._check("upload_file")
        self.put(key, Path(path).read_bytes())
        self.sent.append(key)

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        """An object's content."""
        self._check("get_object")
        return {"Body": io.BytesIO(self.objects[Key])}

    def _check(self, operation: str) -> None:
        if operation in self.refuse:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not authorized"}}, operation)
