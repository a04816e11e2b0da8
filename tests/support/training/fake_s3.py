"""S3 in a dictionary, in the shape of training.data.s3_client."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from types import SimpleNamespace
from typing import Any

from s3torchconnectorclient import S3Exception


class FakeS3:
    """Objects by bucket and key. `refuse` fails a request, by operation and key, as the service would."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}
        self.requests: list[tuple[str, str]] = []
        self.refuse: Callable[[str, str], str | None] = lambda operation, key: None

    def put(self, uri: str, data: bytes) -> None:
        """An object without a request."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        self.objects[bucket, key] = data

    def all_keys(self) -> list[str]:
        """Every key, sorted."""
        return sorted(key for _, key in self.objects)

    def list_objects(self, bucket: str, prefix: str = "", delimiter: str = "") -> Iterator[Any]:
        """One entry a page, as pages must be put together; in no good order."""
        self._note("list", prefix)
        for key in sorted((key for own, key in self.objects if own == bucket), reverse=True):
            rest = key.removeprefix(prefix)
            if not key.startswith(prefix):
                continue
            if delimiter and delimiter in rest:
                folder = prefix + rest.partition(delimiter)[0] + delimiter
                yield SimpleNamespace(object_info=[], common_prefixes=[folder])
            else:
                entry = SimpleNamespace(key=key, size=len(self.objects[bucket, key]))
                yield SimpleNamespace(object_info=[entry], common_prefixes=[])

    def head_object(self, bucket: str, key: str) -> Any:
        """Its size."""
        self._note("head", key)
        return SimpleNamespace(size=len(self._get(bucket, key)))

    def get_object(self, bucket: str, key: str, start: int | None, end: int | None) -> Iterator[bytes]:
        """Its content, a thousand bytes at a time."""
        self._note("get", key)
        data = self._get(bucket, key)[slice(start, end)]
        return (data[place : place + 1000] for place in range(0, len(data), 1000))

    @contextmanager
    def put_object(self, bucket: str, key: str) -> Iterator[BytesIO]:
        """There when the block has ended well."""
        stream = BytesIO()
        yield stream
        self._note("put", key)
        self.objects[bucket, key] = stream.getvalue()

    def delete_object(self, bucket: str, key: str) -> None:
        """Deleting what is not there is no error."""
        self._note("delete", key)
        self.objects.pop((bucket, key), None)

    def _get(self, bucket: str, key: str) -> bytes:
        if (bucket, key) not in self.objects:
            raise S3Exception("Service error: The key does not exist")
        return self.objects[bucket, key]

    def _note(self, operation: str, key: str) -> None:
        self.requests.append((operation, key))
        said = self.refuse(operation, key)
        if said is not None:
            raise S3Exception(said)
