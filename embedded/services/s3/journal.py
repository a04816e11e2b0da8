"""Objects outlive a killed cloud from the moment at which their client hears of them, snapshot or not."""

import threading
from typing import Any

from moto.s3.models import s3_backends

from embedded.kept import journal, parts
from embedded.operations import Params, done

_lock = threading.Lock()
_known: set[int] = set()
"""The buckets that the last snapshot has, by identity."""


def _buckets() -> list[Any]:
    backends = [backend for regions in list(s3_backends.values()) for backend in list(regions.values())]
    return [bucket for backend in backends for bucket in list(backend.buckets.values())]


@parts.before_snapshot
def _remember() -> None:
    _known.clear()
    _known.update(id(bucket) for bucket in _buckets())


@done("s3", "PutObject", "CopyObject", "CompleteMultipartUpload", "DeleteObject", "PutObjectTagging", "PutObjectAcl")
def _write(params: Params) -> None:
    """Write down what has become of an object.

    The first one of a new bucket takes a snapshot with it: a bucket that came back without the stack that made it could
    not be made again.
    """
    name, key = params["Bucket"], params["Key"]
    bucket = next((one for one in _buckets() if one.name == name), None)
    if bucket is None or not journal.is_open():
        return
    if id(bucket) not in _known:
        with _lock:
            if id(bucket) not in _known:
                parts.snapshot_now()
                return
    journal.write("s3.object", lambda: (name, key, bucket.keys.getlist(key)))


@journal.replayed("s3.object")
def _replay(record: tuple[str, str, list[Any] | None]) -> None:
    name, key, versions = record
    for bucket in _buckets():
        if bucket.name == name:
            if versions is None:
                dict.pop(bucket.keys, key, None)
            else:
                dict.__setitem__(bucket.keys, key, versions)
