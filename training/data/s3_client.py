"""The client of S3 that s3torchconnector has inside: a package of its own, which needs neither torch nor anything else.

Its native threads do not live in a fork: before one the client is dropped, and both sides make it anew when they need
it.
"""

import gc
import os
import threading
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from s3torchconnectorclient import _mountpoint_s3_client as native

_USER_AGENT = "shardyard"
_JOIN_SECONDS = 0.5
_CLIENTS: "weakref.WeakSet[Client]" = weakref.WeakSet()


class Client:
    """What `training.data.s3` asks for; threads may share it."""

    def __init__(self, region: str, endpoint: str | None) -> None:
        self._region, self._endpoint = region, endpoint
        self._lock = threading.Lock()
        self._native: Any = None
        _CLIENTS.add(self)

    @property
    def _made(self) -> Any:
        with self._lock:
            if self._native is None:
                self._native = native.MountpointS3Client(
                    region=self._region,
                    endpoint=self._endpoint,
                    user_agent_prefix=_USER_AGENT,
                    force_path_style=self._endpoint is not None,
                )
            return self._native

    def drop(self) -> None:
        """Let go of the native client and its threads."""
        self._native = None

    def list_objects(self, bucket: str, prefix: str, delimiter: str = "") -> Iterable[Any]:
        """Pages with `object_info` and `common_prefixes`."""
        pages: Iterable[Any] = self._made.list_objects(bucket, prefix, delimiter)
        return pages

    def get_object(self, bucket: str, key: str, start: int | None, end: int | None) -> Iterable[bytes]:
        """What an object holds from `start` to before `end`, piece by piece."""
        pieces: Iterable[bytes] = self._made.get_object(bucket, key, start, end)
        return pieces

    @contextmanager
    def put_object(self, bucket: str, key: str) -> Iterator["Writer"]:
        """A new object, complete when the block ends well; what is not closed is given up."""
        stream = self._made.put_object(bucket, key)
        yield Writer(stream)
        stream.close()

    def head_object(self, bucket: str, key: str) -> Any:
        """What has a `size`."""
        return self._made.head_object(bucket, key)

    def delete_object(self, bucket: str, key: str) -> None:
        """Deleting what is not there is no error."""
        self._made.delete_object(bucket, key)


class Writer:
    """What a file's `write` takes, as the bytes that the native stream takes."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, data: bytes | memoryview) -> int:
        """Send on; a part of an object leaves when it is full."""
        content = data if isinstance(data, bytes) else bytes(data)
        self._stream.write(content)
        return len(content)


def _drop_all() -> None:
    if dropped := list(_CLIENTS):
        for client in dropped:
            client.drop()
        gc.collect()
        native.join_all_managed_threads(_JOIN_SECONDS)


os.register_at_fork(before=_drop_all)
