"""A channel straight from S3 is the channel that SageMaker would have brought, sample for sample."""

import io
import json
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import numpy
import pytest

from tests.support.training.data_files import recordio, write_tar
from tests.support.training.fake_s3 import FakeS3
from training.data import Csv, DataError, Dataset, RecordIO, ShardError, Stream, Tokens, World, channel, resolve, s3

PREFIX = "s3://bucket/set/train/"


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeS3:
    found = FakeS3()
    monkeypatch.setattr(s3, "client", lambda: found)
    return found


def put_both(fake: FakeS3, base: Path, files: dict[str, bytes]) -> dict[str, str]:
    """The same files in S3 and as SageMaker would have brought them; returns the latter's environment."""
    for name, data in files.items():
        path = base / "input" / "data" / "train" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        fake.put(PREFIX + name, data)
    return {"SAGEMAKER_BASE_DIR": str(base)}


def npy(array: Any) -> bytes:
    stream = io.BytesIO()
    numpy.save(stream, array)
    return stream.getvalue()


def plain(sample: Any) -> Any:
    return sample.tolist() if isinstance(sample, numpy.ndarray) else sample


def tar(tmp_path: Path, *names: str) -> bytes:
    return write_tar(tmp_path / "x.tar", [(f"{name}.txt", name.encode() * 300) for name in names]).read_bytes()


LINES = b"".join(b'{"n": %d}\n' % number for number in range(23))
KINDS: dict[str, tuple[dict[str, bytes], Any]] = {
    "files": (
        {"a/1.bin": b"one", "a/2.bin": b"two" * 900, "b/3.bin": b"", ".hidden": b"x", "set-manifest": b"x"},
        None,
    ),
    "jsonl": ({"a.jsonl": LINES, "b.jsonl": LINES}, None),
    "csv": ({"a.csv": b'n,text\n1,"two\nlines"\n2,b\n3,c\n'}, None),
    "recordio": ({"a.rec": recordio(b"one", b"two", b"three"), "b.rec": recordio(b"4" * 3000)}, None),
    "npy": ({"a.npy": npy(numpy.arange(60.0).reshape(10, 3, 2)), "b.npy": npy(numpy.ones((4, 3, 2)))}, None),
    "tokens": ({"a.bin": numpy.arange(100, dtype=numpy.uint16).tobytes()}, Tokens(block=8)),
    "tokens npy": ({"a.npy": npy(numpy.arange(50, dtype=numpy.int32))}, Tokens(block=8)),
}


ARRAYS = ("npy", "tokens npy")  # which are not read through


@pytest.mark.parametrize("ranks", [1, 3])
@pytest.mark.parametrize(
    ("kind", "stream"),
    [(kind, stream) for kind in (*KINDS, "tar") for stream in (False, True, None) if not (stream and kind in ARRAYS)],
)
def test_every_format_gives_the_same_samples_in_the_same_order(
    fake: FakeS3, tmp_path: Path, kind: str, stream: bool | None, ranks: int
) -> None:
    shards = {"a.tar": tar(tmp_path, *"abcde"), "b.tar": tar(tmp_path, *"fghij")}
    files, reader = (shards, None) if kind == "tar" else KINDS[kind]
    environ = put_both(fake, tmp_path, files)
    stream_here = kind in ("tar", "jsonl", "csv", "recordio") if stream is None else stream
    for rank in range(ranks):
        world = World(rank=rank, world_size=ranks, local_rank=0, local_world_size=1)
        settings: Any = {"seed": 3, "equalise": "join" if stream_here else "drop", "world": world, "environ": environ}
        there = channel(PREFIX, reader, stream=stream, **settings)
        here = channel("train", reader, stream=stream_here, **settings)
        assert isinstance(there, Stream) == stream_here
        for _ in range(2):
            assert [plain(sample) for sample in there] == [plain(sample) for sample in here]


def test_a_position_moves_from_files_to_s3(fake: FakeS3, tmp_path: Path) -> None:
    environ = put_both(fake, tmp_path, {"a.npy": npy(numpy.arange(40))})
    here = channel("train", environ=environ)
    first = [int(sample) for _, sample in zip(range(15), here, strict=False)]
    there = channel(PREFIX, environ=environ)
    there.load_state_dict(json.loads(json.dumps(here.state_dict())))
    assert sorted(chain(first, (int(sample) for sample in there))) == list(range(40))


def test_a_row_is_one_request_for_its_own_bytes(fake: FakeS3, tmp_path: Path) -> None:
    environ = put_both(fake, tmp_path, {"a.npy": npy(numpy.arange(4000).reshape(1000, 4))})
    dataset = channel(PREFIX, environ=environ)
    assert isinstance(dataset, Dataset)
    before = len(fake.requests)
    assert dataset.read((0, 617)).tolist() == [2468, 2469, 2470, 2471]
    assert len(fake.requests) == before + 1


def test_an_address_can_stand_where_the_folder_of_a_channel_does(fake: FakeS3) -> None:
    fake.put(PREFIX + "a.jsonl", LINES)
    dataset = channel("train", environ={"SM_CHANNEL_TRAIN": PREFIX})
    assert len(list(dataset)) == 23


def test_only_what_lies_below_the_prefix_is_read(fake: FakeS3) -> None:
    fake.put(PREFIX + "a.jsonl", LINES)
    fake.put("s3://bucket/set/train-old/a.jsonl", LINES)
    fake.put("s3://other/set/train/b.jsonl", LINES)
    fake.put(PREFIX, b"")
    assert len(list(channel(PREFIX))) == 23


def test_what_is_wrong_is_said(fake: FakeS3, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"the channel '{PREFIX}' is empty: no object's key begins with {PREFIX}"):
        channel(PREFIX)
    with pytest.raises(DataError, match="and this program wants files: make it a channel of the job in File"):
        resolve(PREFIX).files()
    with pytest.raises(s3.S3Unavailable, match="'s3:///x' names no bucket"):
        channel("s3:///x")
    fake.put(PREFIX + "a.npy", npy(numpy.arange(40))[:-7])
    with pytest.raises(ShardError, match=r"a\.npy cannot be read at byte 441: the file ends 7 bytes too early"):
        channel(PREFIX)
    fake.put(PREFIX + "a.npy", npy(numpy.asfortranarray(numpy.ones((3, 2)))))
    with pytest.raises(ShardError, match="only arrays in C order, without objects"):
        channel(PREFIX)


@pytest.mark.parametrize("name", ["a.tar", "a.jsonl", "a.rec", "a.csv"])
def test_a_connection_that_fails_on_the_way_names_object_and_offset(fake: FakeS3, tmp_path: Path, name: str) -> None:
    content = {
        "a.tar": tar(tmp_path, *"abcdefghij"),
        "a.jsonl": LINES * 100,
        "a.rec": recordio(*[b"x" * 100] * 50),
        "a.csv": b"a,b\n" + b"1,2\n" * 1000,
    }[name]
    fake.put(PREFIX + name, content)
    whole = fake.get_object

    def broken(*arguments: Any) -> Any:
        from s3torchconnectorclient import S3Exception

        yield from list(whole(*arguments))[:5]
        raise S3Exception("Client error: the connection was closed")

    fake.get_object = broken  # type: ignore[method-assign]
    dataset = channel(PREFIX, shuffle=False)
    with pytest.raises(
        ShardError, match=rf"{name} cannot be read at byte (4\d\d\d|5000): Client error: the connection"
    ):
        list(dataset)
    skipping = channel(PREFIX, shuffle=False, skip_unreadable=True)
    assert len(list(skipping)) > 0
    assert skipping.skipped == 1


def test_a_refusal_is_said_in_the_services_words(fake: FakeS3) -> None:
    answer = "<Error><Code>AccessDenied</Code><Message>you may not perform s3:ListBucket</Message></Error>"
    fake.refuse = lambda operation, key: f'Client error: Unknown response error: headers: Some("{answer}")'
    with pytest.raises(OSError, match=f"^{PREFIX}: AccessDenied: you may not perform s3:ListBucket$"):
        channel(PREFIX)


def test_without_the_package_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "training.data.s3_client", raising=False)
    monkeypatch.setitem(sys.modules, "s3torchconnectorclient", None)
    s3.client.cache_clear()
    with pytest.raises(s3.S3Unavailable, match=r"is not installed: add s3torchconnectorclient==1\.5\.0 to the image's"):
        channel(PREFIX)


def test_without_a_region_it_is_said_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    s3.client.cache_clear()
    with pytest.raises(s3.S3Unavailable, match="set AWS_REGION"):
        channel(PREFIX)


def test_readers_in_s3_know_their_format(fake: FakeS3) -> None:
    fake.put(PREFIX + "a.csv", b"n\n1\n2\n")
    fake.put(PREFIX + "_SUCCESS", b"")
    assert [row["n"] for row in channel(PREFIX, Csv(), shuffle=False)] == ["1", "2"]
    fake.put(PREFIX + "b.rec", b"")
    with pytest.raises(DataError, match=r"mixes \S+\.csv, \S+\.rec: keep one kind"):
        channel(PREFIX)
    assert isinstance(channel(PREFIX, RecordIO()), Stream)
