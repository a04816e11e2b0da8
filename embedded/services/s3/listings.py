"""Listings of large buckets: names are sorted once for each page, and only as many are looked at as the page takes.

moto goes through every key of the bucket and makes an object of each, for each page of a thousand.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Any

from moto.s3.models import FakeDeleteMarker, S3Backend

from embedded import moto_patches

_moto_list_v2 = S3Backend.list_objects_v2
_LAST = "\U0010ffff"


def _entries(bucket: Any, prefix: str, delimiter: str | None, after: str) -> Iterator[Any]:
    """The keys and the common prefixes behind a name, in their order; a prefix is its name."""
    names = sorted(dict.keys(bucket.keys))
    index = bisect_right(names, after) if after else bisect_left(names, prefix)
    index = max(index, bisect_left(names, prefix))
    while index < len(names) and names[index].startswith(prefix):
        name = names[index]
        cut = name.find(delimiter, len(prefix)) if delimiter else -1
        if cut < 0:
            key = bucket.keys.get(name)
            if key is not None and not isinstance(key, FakeDeleteMarker):
                yield key
            index += 1
            continue
        folder = name[: cut + len(delimiter or "")]
        following = bisect_left(names, folder + _LAST, lo=index)
        some = (bucket.keys.get(one) for one in names[index:following])
        if folder > after and any(one is not None and not isinstance(one, FakeDeleteMarker) for one in some):
            yield folder
        index = max(following, index + 1)


def _list_v2(
    self: Any,
    bucket: Any,
    prefix: str | None,
    delimiter: str | None,
    continuation_token: str | None,
    start_after: str | None,
    max_keys: int,
) -> tuple[list[Any], bool, str | None]:
    if not hasattr(bucket, "keys") or max_keys == 0:
        found: tuple[list[Any], bool, str | None] = _moto_list_v2(
            self, bucket, prefix, delimiter, continuation_token, start_after, max_keys
        )
        return found
    after = self._pagination_tokens.get(continuation_token) if continuation_token else start_after
    page: list[Any] = []
    for entry in _entries(bucket, prefix or "", delimiter, after or ""):
        page.append(entry)
        if len(page) > max_keys:
            break
    page, is_truncated, token = self._truncate_result(page, max_keys)
    return page, is_truncated, token


moto_patches.replace(S3Backend, "list_objects_v2", _list_v2, reason="each page goes through the whole bucket")
