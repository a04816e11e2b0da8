"""Channels: where their data is, and what a node sees of it."""

import struct

import pytest

from embedded.nodes import fuse
from embedded.nodes.channels import Item, local_name
from embedded.nodes.fast_file import tree
from embedded.nodes.locations import Location
from embedded.nodes.pipes import record
from embedded.nodes.transfer import S3Object
from embedded.operations import ServiceError


@pytest.mark.parametrize(
    ("prefix", "key", "name"),
    [
        ("data/", "data/a/b", "a/b"),
        ("data", "data/a/b", "a/b"),
        ("data/a.csv", "data/a.csv", "a.csv"),
        ("data/part", "data/part-1", "part-1"),
        ("data/train", "data/train2/x", "train2/x"),
        ("", "a/b", "a/b"),
        ("a.csv", "a.csv", "a.csv"),
    ],
)
def test_names_of_objects_on_a_node(prefix: str, key: str, name: str) -> None:
    assert local_name(prefix, key) == name


@pytest.mark.parametrize(
    ("uri", "bucket", "key"),
    [
        ("s3://bucket/a/b", "bucket", "a/b"),
        ("s3://bucket", "bucket", ""),
        ("https://s3.us-east-1.amazonaws.com/bucket/a/b", "bucket", "a/b"),
        ("https://bucket.s3.eu-west-1.amazonaws.com/a/b", "bucket", "a/b"),
        ("https://s3.amazonaws.com/bucket/a", "bucket", "a"),
    ],
)
def test_locations(uri: str, bucket: str, key: str) -> None:
    assert Location.parse(uri) == Location(bucket=bucket, key=key)


def test_a_location_that_is_none() -> None:
    with pytest.raises(ServiceError, match="'ftp://x' is not of the form"):
        Location.parse("ftp://x")


def test_recordio() -> None:
    assert record(b"abcde") == struct.pack("<II", 0xCED7230A, 5) + b"abcde\0\0\0"
    assert record(b"") == struct.pack("<II", 0xCED7230A, 0)


def item(name: str, size: int = 1) -> Item:
    return Item(bucket="b", object=S3Object(key=name, size_bytes=size), name=name)


def test_the_tree_of_a_streamed_channel() -> None:
    nodes = tree([item("a"), item("a/b", 7), item("c/d/e"), item("f", 9)])
    root = nodes[fuse.ROOT_ID]
    assert root.children is not None
    assert sorted(root.children) == ["a", "c", "f"]
    assert root.children["f"].size_bytes == 9
    folder = root.children["a"].children
    assert folder is not None
    assert folder["b"].size_bytes == 7, "S3 may hold `a` and `a/b`; the folder wins"


def test_a_folder_is_listed_in_parts_that_fit() -> None:
    nodes = tree([item(f"name-{index}") for index in range(100)])
    names, offset = [], 0
    while part := fuse.entries(nodes[fuse.ROOT_ID], offset, 200):
        while part:
            _, offset, length, _ = struct.unpack_from("<QQII", part)
            names.append(part[24 : 24 + length].decode())
            part = part[24 + length + (-length % 8) :]
    assert names == [".", "..", *(f"name-{index}" for index in range(100))]
