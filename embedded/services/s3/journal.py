"""Objects outlive a killed cloud from the moment at which their client hears of them, snapshot or not."""

import threading
from collections.abc import Sequence
from functools import partial
from typing import Any

from moto.core.request import Request
from moto.s3.models import s3_backends

from embedded import protocol
from embedded.kept import journal, parts
from embedded.operations import Params, arrival, done

_lock = threading.Lock()
_asked = threading.local()
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
    """Write down what has become of an object."""
    _write_down(params["Bucket"], [params["Key"]])


@arrival("s3", "DeleteObjects")
def _note_keys(request: Request) -> None:
    """Note which objects are to be deleted: the keys are in the body, which the front reads for no operation of S3."""
    parsed = protocol.parse(request, "s3", whole_body=True)
    assert parsed is not None, "what was understood once is understood again"
    _asked.keys = [one["Key"] for one in parsed.params.get("Delete", {}).get("Objects") or [] if "Key" in one]
    protocol.rewind_if_read(request)


@done("s3", "DeleteObjects")
def _write_deleted(params: Params) -> None:
    """Write down what has become of each of them: this thread has noted their keys."""
    keys, _asked.keys = _asked.keys, []
    _write_down(params["Bucket"], list(dict.fromkeys(keys)))


def _write_down(name: str, keys: Sequence[str]) -> None:
    """Put objects into the journal as they are now.

    The first one of a new bucket takes a snapshot with it: a bucket that came back without the stack that made it could
    not be made again.
    """
    bucket = next((one for one in _buckets() if one.name == name), None)
    if bucket is None or not journal.is_open():
        return
    if id(bucket) not in _known:
        with _lock:
            if id(bucket) not in _known:
                parts.snapshot_now()
                return
    for key in keys:
        journal.write("s3.object", partial(_as_it_is, bucket, key))


def _as_it_is(bucket: Any, key: str) -> tuple[str, str, list[Any] | None]:
    return bucket.name, key, bucket.keys.getlist(key)


@journal.replayed("s3.object")
def _replay(record: tuple[str, str, list[Any] | None]) -> None:
    name, key, versions = record
    for bucket in _buckets():
        if bucket.name == name:
            if versions is None:
                dict.pop(bucket.keys, key, None)
            else:
                dict.__setitem__(bucket.keys, key, versions)
