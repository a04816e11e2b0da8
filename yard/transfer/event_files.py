"""Scalars of TensorBoard's event files, read without TensorBoard: as far as a file is whole, whoever wrote it."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from shardyard.spec.jobs.log_metrics import standard_name
from shardyard.spec.names import run_prefix
from yard.aws import Aws

_FILE = ".tfevents."
_MOST_FILES, _MOST_BYTES = 100, 64_000_000
"""A folder of pictures is no reason to wait: the newest files are not among those that are read."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FLOAT, _DOUBLE = 1, 2
"""Types of a tensor's numbers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scalar:
    """One number that a program has written."""

    wall_time: float
    step: int
    name: str
    """As the log would call it, where it is a name that the log knows; else its tag."""
    value: float


def of_run(aws: Aws, run_id: str) -> list[Scalar]:
    """What a run wrote for TensorBoard, of all its attempts."""
    bucket, s3, left = aws.artifact_bucket(), aws.client("s3"), _MOST_BYTES
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{run_prefix(run_id)}tensorboard/")
    objects = [one for page in pages for one in page.get("Contents", []) if _FILE in one["Key"].rpartition("/")[2]]
    found: list[Scalar] = []
    for one in objects[:_MOST_FILES]:
        if one["Size"] > left:
            break
        left -= one["Size"]
        found += scalars(s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read())
    return found


def scalars(content: bytes) -> Iterator[Scalar]:
    """The scalars of one file; a record that is cut short, or is none, ends it."""
    at = 0
    while at + 12 <= len(content):
        (length,) = struct.unpack_from("<Q", content, at)
        if at + 16 + length > len(content):
            return
        try:
            yield from _of_event(content[at + 12 : at + 12 + length])
        except (struct.error, IndexError, UnicodeDecodeError):
            return
        at += 16 + length


def _of_event(event: bytes) -> Iterator[Scalar]:
    wall_time, step, summaries = 0.0, 0, list[bytes]()
    for number, kind, value in _fields(event):
        if (number, kind) == (1, _FIXED64):
            (wall_time,) = struct.unpack("<d", value)
        elif (number, kind) == (2, _VARINT):
            step = int.from_bytes(value, "little", signed=True)
        elif (number, kind) == (5, _BYTES):
            summaries.append(value)
    for summary in summaries:
        for number, kind, value in _fields(summary):
            if (number, kind) == (1, _BYTES):
                tag, scalar = _of_value(value)
                if tag and scalar is not None:
                    yield Scalar(wall_time=wall_time, step=step, name=standard_name(tag), value=scalar)


def _of_value(entry: bytes) -> tuple[str, float | None]:
    tag, scalar = "", None
    for number, kind, value in _fields(entry):
        if (number, kind) == (1, _BYTES):
            tag = value.decode()
        elif (number, kind) == (2, _FIXED32):
            (scalar,) = struct.unpack("<f", value)
        elif (number, kind) == (8, _BYTES):
            scalar = _of_tensor(value)
    return tag, scalar


def _of_tensor(tensor: bytes) -> float | None:
    """A tensor of one number, as TensorFlow 2 writes scalars."""
    types, numbers = list[int](), list[bytes]()
    for number, kind, value in _fields(tensor):
        if (number, kind) == (1, _VARINT):
            types.append(int.from_bytes(value, "little"))
        elif number in (4, 5, 6):
            numbers.append(value)
    width, letter = {_FLOAT: (4, "<f"), _DOUBLE: (8, "<d")}.get(types[0] if types else 0, (0, ""))
    if len(numbers) != 1 or len(numbers[0]) != width or not width:
        return None
    return float(struct.unpack(letter, numbers[0])[0])


def _fields(message: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Each field of a protocol buffer: its number, how it is written, and its bytes; a number as 8 of them."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == _VARINT:
            number, at = _varint(message, at)
            yield key >> 3, kind, (number & (1 << 64) - 1).to_bytes(8, "little")
            continue
        if kind == _BYTES:
            length, at = _varint(message, at)
        elif kind in (_FIXED64, _FIXED32):
            length = 8 if kind == _FIXED64 else 4
        else:
            raise IndexError(kind)
        if at + length > len(message):
            raise IndexError(length)
        yield key >> 3, kind, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        value |= (message[at] & 0x7F) << shift
        at += 1
        if message[at - 1] < 0x80:
            return value, at
    raise IndexError(at)
