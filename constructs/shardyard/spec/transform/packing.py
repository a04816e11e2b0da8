"""Packs records into the payloads of requests."""

import sys
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Literal

from shardyard.spec.transform.errors import TransformError
from shardyard.spec.transform.records import Record, Split

Strategy = Literal["MultiRecord", "SingleRecord"]

MEBIBYTE = 1024 * 1024
"""What `MaxPayloadInMB` counts in: the model API's own limit of 6 MB is written 6,291,456 bytes."""


def pack(
    records: Sequence[Record], *, how: Split, strategy: Strategy, most_bytes: int | None
) -> Iterator[tuple[int, bytes]]:
    """The payloads in order, each with the number of its records; `most_bytes` None is without limit.

    MultiRecord fits as many whole records as it can. Binary records keep their framing there, so that the container
    can tell them apart, and lose it where each travels alone.
    """
    alone = strategy == "SingleRecord" or how == "None"
    pieces = [record.data for record in records] if alone or how == "Line" else [record.framed for record in records]
    yield from fill(pieces, how=how, strategy=strategy, most_bytes=most_bytes)


def fill(
    pieces: Sequence[bytes], *, how: Split, strategy: Strategy, most_bytes: int | None
) -> Iterator[tuple[int, bytes]]:
    """The same of what records look like on their way already."""
    sizes = list(map(len, pieces))
    most = sys.maxsize if most_bytes is None else most_bytes
    if sizes and max(sizes) > most:
        raise TransformError(_too_large(next(n for n, size in enumerate(sizes) if size > most), sizes, most))
    if strategy == "SingleRecord" or how == "None":
        yield from ((1, piece) for piece in pieces)
        return
    between = b"\n" if how == "Line" else b""
    # where each piece ends if all of them lie in a row: each payload's end is found, not counted up to
    ends = list(accumulate([size + len(between) for size in sizes] if between else sizes))
    first = 0
    while first < len(pieces):
        begin = ends[first - 1] if first else 0
        last = bisect_right(ends, begin + most + len(between), lo=first)
        yield last - first, between.join(pieces[first:last])
        first = last


def _too_large(number: int, sizes: Sequence[int], most: int) -> str:
    return f"record {number + 1} has {sizes[number]} bytes, and MaxPayloadInMB allows {most}"
