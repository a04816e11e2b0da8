"""Data on its way up: what each node gets, balanced shards, and only what is missing is sent."""

import base64
import hashlib
import os
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.some import some
from tests.support.spec.spec_tables import make
from yard import sample_data, upload
from yard.errors import UserError
from yard.runs import balance


def test_objects_are_dealt_out_in_the_order_of_their_keys() -> None:
    found = balance.shares([("c", 3), ("a", 1), ("b", 2)], nodes=2)
    assert [(share.node, share.objects, share.size) for share in found] == [("algo-1", 2, 4), ("algo-2", 1, 2)]


def test_the_imbalance_is_the_fullest_nodes_excess_over_the_mean() -> None:
    assert balance.imbalance_percent(balance.shares([("a", 30), ("b", 10)], nodes=2)) == pytest.approx(50)
    assert balance.imbalance_percent(balance.shares([("a", 0)], nodes=1)) == 0


@given(sizes=st.lists(st.integers(0, 10_000), min_size=1, max_size=200), count=st.integers(1, 12))
def test_every_sample_is_in_one_shard_and_no_shard_has_more_than_one_more(sizes: list[int], count: int) -> None:
    made = [balance.Sample(key=f"{n:04d}", files=(), size=size) for n, size in enumerate(sizes)]
    shards = balance.cut(made, count)
    assert sorted(sample.key for shard in shards for sample in shard) == [sample.key for sample in made]
    lengths = [len(shard) for shard in shards]
    assert max(lengths) - min(lengths) <= 1


def test_files_of_one_sample_stay_together(tmp_path: Path) -> None:
    for name in ("1.jpg", "1.cls", "2.jpg", "2.cls", "3.jpg", "3.cls"):
        (tmp_path / name).write_text(name)
    paths = list(balance.write_shards(tmp_path, 2, tmp_path.parent / "shards"))
    assert [path.name for path in paths] == ["shard-00000.tar", "shard-00001.tar"]
    for path in paths:
        with tarfile.open(path) as archive:
            stems = [name.split(".")[0] for name in archive.getnames()]
        assert all(stems.count(stem) == 2 for stem in some(stems))


def test_shards_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.txt").write_text("a")
    (tmp_path / "in/b.txt").write_text("bb")
    first = [path.read_bytes() for path in balance.write_shards(tmp_path / "in", 1, tmp_path / "one")]
    (tmp_path / "in/a.txt").touch()
    assert [path.read_bytes() for path in balance.write_shards(tmp_path / "in", 1, tmp_path / "two")] == first


class Bucket:
    """S3 with what is there already."""

    def __init__(self, there: dict[str, tuple[int, datetime]], checksums: dict[str, str] | None = None) -> None:
        self.there, self.sent = there, list[str]()
        self.checksums = {} if checksums is None else checksums

    def head_object(self, *, Key: str, **_: str) -> dict[str, str]:
        return {"ChecksumSHA256": self.checksums[Key]} if Key in self.checksums else {}

    def get_paginator(self, _: str) -> "Bucket":
        return self

    def paginate(self, **_: str) -> list[dict[str, Any]]:
        return [{"Contents": [{"Key": k, "Size": s, "LastModified": at} for k, (s, at) in self.there.items()]}]

    def put_object(self, *, Key: str, **_: Any) -> None:
        self.sent.append(Key)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".hidden").write_text("x")
    (tmp_path / "a").write_text("aa")
    (tmp_path / "sub/b").write_text("bbb")
    return tmp_path


def test_the_plan_has_every_file_but_hidden_ones(folder: Path) -> None:
    assert [(item.key, item.size) for item in upload.plan(folder, "train/")] == [("train/a", 2), ("train/sub/b", 3)]


def test_only_what_is_missing_or_changed_is_sent(folder: Path) -> None:
    later, earlier = datetime.now(UTC) + timedelta(hours=1), datetime.now(UTC) - timedelta(days=1)
    items = upload.plan(folder, "train/")

    def wanted(there: dict[str, tuple[int, datetime]], **checksums: str) -> list[str]:
        bucket = Bucket(there, checksums)
        return [item.key for item in upload.missing(bucket, "b", items, upload.list_objects(bucket, "b", "train/"))]

    assert wanted({}) == ["train/a", "train/sub/b"]
    assert wanted({"train/a": (2, later), "train/sub/b": (3, later)}) == []
    assert wanted({"train/a": (9, later), "train/sub/b": (3, later)}) == ["train/a"]
    assert wanted({"train/a": (2, earlier), "train/sub/b": (3, later)}) == ["train/a"]
    aa = base64.b64encode(hashlib.sha256(b"aa").digest()).decode()
    assert wanted({"train/a": (2, earlier), "train/sub/b": (3, later)}, **{"train/a": aa}) == []
    assert wanted({"train/a": (2, earlier), "train/sub/b": (3, later)}, **{"train/a": "other"}) == ["train/a"]


def test_a_shard_is_as_old_as_its_newest_sample_so_that_it_is_not_sent_twice(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    os.utime(tmp_path / "a.txt", (1_000, 1_000))
    (path,) = balance.write_shards(tmp_path, 1, tmp_path.parent / "aged")
    assert path.stat().st_mtime == 1_000


def test_every_item_is_sent_and_told(folder: Path) -> None:
    bucket, told = Bucket({}), list[str]()
    upload.send(bucket, "b", upload.plan(folder, "t/"), on_file=lambda item: told.append(item.key))
    assert sorted(bucket.sent) == ["t/a", "t/sub/b"]
    assert told == ["t/a", "t/sub/b"]


def test_there_is_sample_data_for_programs_that_ship_alone(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"There is no sample data for job, which runs train.py; there is for "):
        sample_data.make(tmp_path, make(program={"entry": "train.py"}, source={"dir": "."}), tmp_path)
