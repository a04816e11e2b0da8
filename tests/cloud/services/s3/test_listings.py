"""Listings of objects, page by page: every key and every common prefix once, in order."""

from typing import Any

import pytest

from tests.support.cloud.in_process import Account, account

__all__ = ["account"]

NAMES = ["a", "a/1", "a/2", "b", "b/x/1", "b/x/2", "b/y", "c!", "c/", "c/é", "d" * 900, "z"]


@pytest.fixture(scope="module")
def s3(account: Account) -> Any:
    client = account.client("s3")
    client.create_bucket(Bucket="listed")
    for name in reversed(NAMES):
        client.put_object(Bucket="listed", Key=name, Body=b"x")
    return client


def entries(s3: Any, size: int, **given: str) -> list[str]:
    """The keys and common prefixes of all pages, each page in order."""
    found: list[str] = []
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="listed", PaginationConfig={"PageSize": size}, **given)
    for page in pages:
        here = [one["Key"] for one in page.get("Contents", [])]
        here += [one["Prefix"] for one in page.get("CommonPrefixes", [])]
        assert len(here) == page["KeyCount"] <= size
        found += sorted(here)
    return found


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, sorted(NAMES)),
        ({"Prefix": "b"}, ["b", "b/x/1", "b/x/2", "b/y"]),
        ({"Delimiter": "/"}, ["a", "a/", "b", "b/", "c!", "c/", "d" * 900, "z"]),
        ({"Prefix": "b/", "Delimiter": "/"}, ["b/x/", "b/y"]),
        ({"StartAfter": "b/x/1"}, [name for name in sorted(NAMES) if name > "b/x/1"]),
        ({"StartAfter": "a/1", "Delimiter": "/"}, ["b", "b/", "c!", "c/", "d" * 900, "z"]),
        ({"Prefix": "nothing"}, []),
    ],
    ids=["all", "prefix", "delimiter", "both", "start", "start inside a prefix", "nothing"],
)
def test_every_entry_comes_once(s3: Any, size: int, given: dict[str, str], expected: list[str]) -> None:
    assert entries(s3, size, **given) == expected


def test_what_is_deleted_is_not_listed(account: Account) -> None:
    s3 = account.client("s3")
    s3.create_bucket(Bucket="listed-versions")
    s3.put_bucket_versioning(Bucket="listed-versions", VersioningConfiguration={"Status": "Enabled"})
    for name in ("folder/gone", "here"):
        s3.put_object(Bucket="listed-versions", Key=name, Body=b"x")
    s3.delete_object(Bucket="listed-versions", Key="folder/gone")
    page = s3.list_objects_v2(Bucket="listed-versions", Delimiter="/")
    assert ([one["Key"] for one in page["Contents"]], page.get("CommonPrefixes")) == (["here"], None)
