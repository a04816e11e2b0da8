"""Data on its way up: what each node gets, balanced shards, and only what is missing is sent."""

import base64
import hashlib
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardyard.spec.jobs.processing.processing import ProcessingSpec
from tests.support.some import some
from tests.support.spec.processing_rule_cases import BASE
from tests.support.spec.spec_tables import make, over
from yard import sample_data
from yard.errors import UserError
from yard.runs import balance
from yard.transfer import data_folder, upload
from yard.transfer.uploaded import Uploaded


def test_objects_are_dealt_out_in_the_order_of_their_keys() -> None:
    found = balance.shares([("c", 3), ("a", 1), ("b", 2)], nodes=2)
    assert [(share.node, share.objects, share.size) for share in found] == [("algo-1", 2, 4), ("algo-2", 1, 2)]


def test_the_imbalance_is_the_fullest_nodes_excess_over_the_mean() -> None:
    assert balance.imbalance_percent(balance.shares([("a", 30), ("b", 10)], nodes=2)) == pytest.approx(50)
    assert balance.imbalance_percent(balance.shares([("a", 0)], nodes=1)) == 0


@given(sizes=st.lists(st.integers(0, 10_000), min_size=1, max_size=200), count=st.integers(1, 12))
def test_every_sample_is_in_one_shard_and_no_shard_has_more_than_one_more(sizes: list[int], count: int) -> None:
    made = [balance.Sample(key=f"{n:04d}", files={}, size=size) for n, size in enumerate(sizes)]
    shards = balance.cut(made, count)
    assert sorted(sample.key for shard in shards for sample in shard) == [sample.key for sample in made]
    lengths = [len(shard) for shard in shards]
    assert max(lengths) - min(lengths) <= 1


def samples(folder: Path) -> list[balance.Sample]:
    return balance.samples(data_folder.read(folder, "").files)


def test_files_of_one_sample_stay_together(tmp_path: Path) -> None:
    for name in ("1.jpg", "1.cls", "2.jpg", "2.cls", "3.jpg", "3.cls"):
        (tmp_path / name).write_text(name)
    paths = list(balance.write_shards(samples(tmp_path), 2, tmp_path.parent / "shards"))
    assert [path.name for path in paths] == ["shard-00000.tar", "shard-00001.tar"]
    for path in paths:
        with tarfile.open(path) as archive:
            stems = [name.split(".")[0] for name in archive.getnames()]
        assert all(stems.count(stem) == 2 for stem in some(stems))


def test_shards_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.txt").write_text("a")
    (tmp_path / "in/b.txt").write_text("bb")
    found = samples(tmp_path / "in")
    first = [path.read_bytes() for path in balance.write_shards(found, 1, tmp_path / "one")]
    os.utime(tmp_path / "in/a.txt", (1_000, 1_000))
    assert [path.read_bytes() for path in balance.write_shards(found, 1, tmp_path / "two")] == first


class Bucket:
    """S3 with what was put into it, and how often it was asked for one object."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.asked = list[str]()
        self._writes = 0
        self._tags: dict[str, str] = {}

    def put_object(self, *, Key: str, Body: bytes, ChecksumSHA256: str, **_: Any) -> dict[str, str]:
        assert ChecksumSHA256 == sha256(Body), "S3 compares the body with it"
        return self.write(Key, Body)

    def write(self, key: str, body: bytes) -> dict[str, str]:
        self._writes += 1
        self.objects[key], self._tags[key] = body, f"tag-{self._writes}"
        return {"ETag": self._tags[key]}

    def upload_file(self, path: str, _: str, key: str, *, ExtraArgs: dict[str, str], Config: Any) -> None:
        assert ExtraArgs == {"ChecksumAlgorithm": "SHA256"}
        assert Config.multipart_chunksize == PART
        self.write(key, Path(path).read_bytes())

    def head_object(self, *, Key: str, **_: str) -> dict[str, str]:
        self.asked.append(Key)
        body = self.objects[Key]
        if len(body) <= PART:
            return {"ETag": self._tags[Key], "ChecksumSHA256": sha256(body)}
        digests = [hashlib.sha256(body[at : at + PART]).digest() for at in range(0, len(body), PART)]
        return {"ETag": self._tags[Key], "ChecksumSHA256": f"{sha256(b''.join(digests))}-{len(digests)}"}

    def get_paginator(self, _: str) -> "Bucket":
        return self

    def paginate(self, *, Prefix: str, **_: str) -> list[dict[str, Any]]:
        return [
            {"Contents": [{"Key": key, "Size": len(body), "ETag": self._tags[key]}]}
            for key, body in self.objects.items()
            if key.startswith(Prefix)
        ]


PART = 8 * 2**20


def sha256(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def put(bucket: Bucket, folder: Path, uploaded: Uploaded) -> list[str]:
    """What `yard data put` does; the keys that it sends."""
    items = upload.plan(data_folder.read(folder, "train/"), "train/")
    wanted = upload.missing(bucket, "b", items, upload.list_objects(bucket, "b", "train/"), uploaded)
    told = list[str]()
    upload.send(bucket, "b", wanted, uploaded, on_file=lambda item: told.append(item.key))
    return told


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "data"
    (place / "sub").mkdir(parents=True)
    (place / ".hidden").write_text("x")
    (place / "a").write_text("aa")
    (place / "sub/b").write_text("bbb")
    return place


def test_the_plan_has_every_file_but_hidden_ones(folder: Path) -> None:
    items = upload.plan(data_folder.read(folder, "train/"), "train/")
    assert [(item.key, item.size) for item in items] == [("train/a", 2), ("train/sub/b", 3)]


def test_what_has_the_same_checksum_is_not_sent_again(folder: Path) -> None:
    bucket = Bucket()
    assert put(bucket, folder, Uploaded()) == ["train/a", "train/sub/b"]
    assert put(bucket, folder, Uploaded()) == []
    (folder / "a").write_text("aa")
    assert put(bucket, folder, Uploaded()) == [], "written anew with the same content"
    del bucket.objects["train/sub/b"]
    assert put(bucket, folder, Uploaded()) == ["train/sub/b"]


@pytest.mark.parametrize("remembers", [True, False])
def test_other_content_of_the_same_size_is_sent_whatever_its_time_is(
    folder: Path, tmp_path: Path, remembers: bool
) -> None:
    bucket = Bucket()

    def uploaded() -> Uploaded:
        return Uploaded.of(tmp_path / "kept", "b", "train/") if remembers else Uploaded()

    put(bucket, folder, uploaded())
    (folder / "a").write_text("AA")
    os.utime(folder / "a", (1_000, 1_000))  # as `cp -p`, tar and rsync -a leave it
    assert put(bucket, folder, uploaded()) == ["train/a"]
    assert bucket.objects["train/a"] == b"AA"


def test_a_second_comparison_asks_for_no_single_object(folder: Path, tmp_path: Path) -> None:
    bucket = Bucket()
    put(bucket, folder, Uploaded.of(tmp_path / "kept", "b", "train/"))
    assert put(bucket, folder, Uploaded.of(tmp_path / "kept", "b", "train/")) == []
    assert bucket.asked == []


def test_what_somebody_else_has_written_since_is_noticed(folder: Path, tmp_path: Path) -> None:
    bucket = Bucket()
    put(bucket, folder, Uploaded.of(tmp_path / "kept", "b", "train/"))
    bucket.write("train/a", b"zz")
    assert put(bucket, folder, Uploaded.of(tmp_path / "kept", "b", "train/")) == ["train/a"]
    assert bucket.objects["train/a"] == b"aa"


def test_a_file_that_went_in_parts_is_compared_by_its_parts(folder: Path) -> None:
    bucket = Bucket()
    (folder / "large").write_bytes(b"x" * (PART + 1))
    assert "train/large" in put(bucket, folder, Uploaded())
    assert put(bucket, folder, Uploaded()) == []
    (folder / "large").write_bytes(b"x" * PART + b"y")
    assert put(bucket, folder, Uploaded()) == ["train/large"]


@pytest.mark.parametrize("kept", ["", "[]", "{", '{"train/a": 1}', '{"train/a": ["tag-1"]}', "[" * 100_000, "\xff"])
def test_a_damaged_memory_is_no_memory(folder: Path, tmp_path: Path, kept: str) -> None:
    bucket = Bucket()
    put(bucket, folder, Uploaded.of(tmp_path / "kept", "b", "train/"))
    (file,) = (tmp_path / "kept/uploaded").iterdir()
    file.write_bytes(kept.encode("latin-1"))
    assert put(bucket, folder, Uploaded.of(tmp_path / "kept", "b", "train/")) == []
    assert sorted(bucket.asked) == ["train/a", "train/sub/b"]


def refused(folder: Path, prefix: str = "train/") -> str:
    with pytest.raises(UserError) as refusal:
        data_folder.read(folder, prefix)
    return refusal.value.happened


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (b"two\nlines", r"'two\nlines' has a line break or another control character in it."),
        (b"bell\x07", r"'bell\x07' has a line break or another control character in it."),
        (b"caf\xe9.txt", r"b'caf\xe9.txt' is not UTF-8."),
    ],
)
def test_a_name_that_s3_refuses_is_refused_before_anything_is_sent(folder: Path, name: bytes, said: str) -> None:
    Path(os.fsdecode(os.path.join(os.fsencode(folder), name))).write_text("x")
    assert refused(folder).splitlines()[1:] == [said]


def test_a_key_may_have_1024_bytes(folder: Path) -> None:
    deep = Path(*["\u00e9" * 100] * 5)  # 5 names of 200 bytes, and 4 slashes
    (folder / deep).parent.mkdir(parents=True)
    (folder / deep).write_text("x")
    prefix = "p" * 20
    assert len(data_folder.read(folder, prefix).files) == 3
    assert "makes a key of 1,025 bytes, and S3 takes 1,024." in refused(folder, prefix + "p")


def test_a_link_out_of_the_folder_is_refused_and_one_within_is_not(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("mine")
    (folder / "inside").symlink_to(folder / "a")
    assert "inside" in data_folder.read(folder, "").files
    for number in range(5):
        (folder / f"out-{number}").symlink_to(tmp_path / "secret")
    (folder / "folder").symlink_to(tmp_path)
    lines = refused(folder).splitlines()
    assert lines[1] == "'folder' is a link that leads out of the folder."
    assert lines[-1] == "3 more are refused."


def test_what_stays_here_is_said(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / ".git").mkdir()
    (folder / ".git/config").write_text("x")
    (folder / "again").symlink_to(folder / "sub")
    (folder / "nothing").symlink_to(folder / "gone")
    found = data_folder.read(folder, "")
    assert sorted(found.files) == ["a", "sub/b"]
    assert found.left_out == (".git/", ".hidden", "again", "nothing", "pipe")
    assert found.told() == " (left out: .git/, .hidden, again and 2 more)"


def test_there_is_sample_data_for_programs_that_ship_alone(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"There is no sample data for job, which runs train.py; there is for "):
        sample_data.make(tmp_path, make(program={"entry": "train.py"}, source={"dir": "."}), tmp_path)


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ({}, "The output 'shards' of 'prepare' has an address for each run."),
        ({"s3": "s3://elsewhere/shards/"}, "The output 'shards' of 'prepare' does not lie in the data bucket."),
        ({"s3": "shards/", "bucket": "artifacts"}, "The output 'shards' of 'prepare' does not lie in the data bucket."),
        ({"s3": "shards"}, None),
    ],
)
def test_what_a_processing_job_has_written_lies_where_its_file_says(output: dict[str, str], says: str | None) -> None:
    job = ProcessingSpec.from_dict(over(BASE, {"outputs": {"shards": output}}))
    assert sample_data.written(job, "report") is None
    if says is None:
        assert sample_data.written(job, "shards") == "shards/"
        return
    with pytest.raises(UserError) as raised:
        sample_data.written(job, "shards")
    assert str(raised.value).startswith(says)
