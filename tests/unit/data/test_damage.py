"""Data that cannot be read stops the run with file and offset, or is skipped and counted."""

import gzip
import os
from pathlib import Path

import numpy
import pytest

from tests.support.training.data_files import make_channel, npy, numbers, open_map, world, write_tar
from training.data import (
    Csv,
    Files,
    JsonLines,
    Reader,
    RecordIO,
    ShardError,
    Tar,
    Tokens,
    channel,
)


def test_an_unreadable_file_stops_or_is_passed_over_and_counted(tmp_path: Path) -> None:
    environ = make_channel(tmp_path, {})
    folder = tmp_path / "input" / "data" / "train"
    write_tar(folder / "a.tar", [(f"{n}.txt", b"%d" % n) for n in range(5)])
    whole = write_tar(folder / "b.tar", [(f"{n}.txt", b"%d" % n) for n in range(5, 10)]).read_bytes()
    (folder / "b.tar").write_bytes(whole[:3000])
    with pytest.raises(ShardError, match=r"b\.tar cannot be read at byte 3000"):
        open_map(environ)
    dataset = open_map(environ, skip_unreadable=True, equalise="join")
    assert sorted(int(sample["txt"]) for sample in dataset) == [0, 1, 2, 3, 4, 5, 6]
    assert dataset.skipped == 1
    through = channel("train", environ=environ, skip_unreadable=True, stream=True)
    assert sorted(int(sample["txt"]) for sample in through) == [0, 1, 2, 3, 4, 5, 6]
    assert through.skipped == 1


def test_a_damaged_shard_is_counted_by_one_of_the_ranks_that_share_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    environ = make_channel(tmp_path, {"a.npy": b"", "b.npy": ROWS})
    parts = [open_map(environ, world=world(rank, 3), skip_unreadable=True) for rank in range(3)]
    assert [part.skipped for part in parts] == [1, 0, 0]
    assert capfd.readouterr().err.count("skipped:") == 1


def test_a_bad_record_is_replaced_so_that_ranks_stay_even(tmp_path: Path) -> None:
    environ = make_channel(tmp_path, {"a.jsonl": b"0\n1\noops\n3\n"})
    with pytest.raises(ShardError, match="at byte 4"):
        list(open_map(environ))
    dataset = open_map(environ, skip_unreadable=True)
    assert sorted(dataset) == [0, 1, 3, 3]
    assert dataset.skipped == 1


ROWS = npy(numpy.arange(6.0).reshape(3, 2))


@pytest.mark.parametrize(
    ("name", "good", "damaged", "reason"),
    [
        ("csv", b"a,b\n1,2\n3,4\n5,6\n", b"\xff\xfe,b\n1,2\n", "this line is not CSV: 'utf-8' codec can't decode"),
        ("csv", b"a,b\n1,2\n3,4\n5,6\n", b"\xef\xbb\xbf\n1,2\n", "a CSV file begins with a line of names"),
        ("csv", b"a,b\n1,2\n3,4\n5,6\n", b"a,b,a\n1,2,3\n", "the first line has the name 'a' more than once"),
        (
            "npy",
            ROWS,
            b"PK\x03\x04" + bytes(99),
            "this is no .npy file that can be read: the magic string is not correct",
        ),
        ("npy", ROWS, ROWS.replace(b"(3, 2)", b"(3, 2("), "this is no .npy file that can be read"),
        ("npy", ROWS, ROWS[:-8], "this is no .npy file that can be read: mmap length is greater than file size"),
        ("npy", ROWS, b"", "this is no .npy file that can be read: EOF: reading magic string"),
        ("npy", ROWS, npy(numpy.float64(3)), "the array is a single number and has no rows"),
    ],
)
def test_a_file_that_cannot_be_opened_is_named_or_passed_over(
    tmp_path: Path, name: str, good: bytes, damaged: bytes, reason: str
) -> None:
    environ = make_channel(tmp_path, {f"a.{name}": damaged, f"b.{name}": good})
    with pytest.raises(ShardError, match=rf"a\.{name} cannot be read at byte 0: {reason}"):
        open_map(environ)
    dataset = open_map(environ, skip_unreadable=True)
    assert len(list(dataset)) == 3
    assert dataset.skipped == 1


def test_links_are_followed_and_a_broken_one_is_an_unreadable_file(tmp_path: Path) -> None:
    environ = make_channel(tmp_path, {"a.jsonl": numbers(3)})
    folder = tmp_path / "input" / "data" / "train"
    (folder / "b.jsonl").symlink_to(folder / "a.jsonl")
    assert sorted(open_map(environ)) == [0, 0, 1, 1, 2, 2]
    (folder / "c.jsonl").symlink_to(folder / "nowhere")
    with pytest.raises(ShardError, match=r"c\.jsonl cannot be read at byte 0: No such file or directory"):
        open_map(environ)


def test_a_file_that_becomes_shorter_while_it_is_read_is_named(tmp_path: Path) -> None:
    environ = make_channel(tmp_path, {"a.jsonl": numbers(100)})
    dataset = iter(open_map(environ, shuffle=False))
    assert next(dataset) == 0
    os.truncate(tmp_path / "input" / "data" / "train" / "a.jsonl", 101)
    with pytest.raises(ShardError, match=r"a\.jsonl cannot be read at byte 101: the file ends 3 bytes too early"):
        list(dataset)


def test_a_damaged_line_does_not_cost_the_rest_of_a_stream(tmp_path: Path) -> None:
    for name, content in {"a.jsonl": b"0\noops\n2\n[[\n4\n", "b.csv": b"n\n0\n1,2\n2\n3,4\n4\n"}.items():
        found = channel(
            "train",
            environ=make_channel(tmp_path / name, {name: content}),
            stream=True,
            skip_unreadable=True,
        )
        assert sorted(int(one["n"] if name == "b.csv" else one) for one in found) == [0, 2, 4]
        assert found.skipped == 2


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("reader", [Tar(), RecordIO(), JsonLines(), Csv()])
def test_a_compressed_file_under_another_name_is_called_so(tmp_path: Path, reader: Reader, stream: bool) -> None:
    files = {"a.tar": gzip.compress(b'a,b\n1,"2\n3'), "b.tar": b""}
    environ = make_channel(tmp_path, files)
    with pytest.raises(ShardError, match=r"a\.tar cannot be read at byte 0: it is compressed: unpack it, let Pipe"):
        list(channel("train", reader, environ=environ, stream=stream))
    for other in (Files(), Tokens(block=1)):  # whose bytes may be any
        assert len(list(channel("train", other, environ=environ, stream=stream))) > 1
    through = channel("train", reader, environ=environ, stream=True, skip_unreadable=True)
    assert (list(through), through.skipped) == ([], 1)
