"""The formats, against files that other programs wrote."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy
import pytest

from tests.support.training.data_files import read_all, recordio, stream_all
from training.data import media
from training.data.errors import DataError, ShardError
from training.data.readers import Csv, Files, JsonLines, Npy, RecordIO, Tar, Tokens, guess
from training.data.records import RECORDIO_MAGIC


def test_recordio_reads_whole_and_cut_records(tmp_path: Path) -> None:
    magic = struct.pack("<I", RECORDIO_MAGIC)
    cut = (
        struct.pack("<II", RECORDIO_MAGIC, 1 << 29 | 2) + b"ab\0\0" + struct.pack("<II", RECORDIO_MAGIC, 3 << 29 | 1)
    ) + b"c\0\0\0"
    path = tmp_path / "a.rec"
    path.write_bytes(recordio(b"one", b"") + cut + recordio(b"four"))
    expected = [b"one", b"", b"ab" + magic + b"c", b"four"]
    assert read_all(RecordIO(), path) == expected
    assert stream_all(RecordIO(), path) == expected


def test_damaged_recordio_names_the_offset(tmp_path: Path) -> None:
    path = tmp_path / "a.rec"
    path.write_bytes(recordio(b"one") + b"garbage!")
    with pytest.raises(ShardError, match="at byte 12: there is no RecordIO frame here"):
        stream_all(RecordIO(), path)


@pytest.mark.parametrize("read", [read_all, stream_all])
@pytest.mark.parametrize(
    ("parts", "offset", "reason"),
    [
        ((0, 1), 12, "the last record begins and does not end"),
        ((1, 0), 12, "a record's parts do not follow each other here"),
        ((0, 3), 12, "a record's parts do not follow each other here"),
        ((2,), 0, "a record's parts do not follow each other here"),
    ],
)
def test_a_part_of_a_record_is_never_taken_for_one_nor_left_out(
    tmp_path: Path, read: Any, parts: tuple[int, ...], offset: int, reason: str
) -> None:
    path = tmp_path / "a.rec"
    path.write_bytes(b"".join(struct.pack("<II", RECORDIO_MAGIC, part << 29 | 4) + b"part" for part in parts))
    with pytest.raises(ShardError, match=f"at byte {offset}: {reason}"):
        read(RecordIO(), path)


def test_the_message_of_a_name_that_is_no_text_can_be_written() -> None:
    assert "\\udcff.tar cannot be read" in str(ShardError("\udcff.tar", 0, "why"))
    str(ShardError("\udcff.tar", 0, "why")).encode()


def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n\n[2]\n"last without a line break"')
    assert read_all(JsonLines(), path) == [{"a": 1}, [2], "last without a line break"]
    assert stream_all(JsonLines(), path) == read_all(JsonLines(), path)
    path.write_text('{"a": 1}\n{oops\n')
    with pytest.raises(ShardError, match="at byte 9: this line is not JSON"):
        read_all(JsonLines(), path)


def test_csv_keeps_line_breaks_in_quotes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('name,text\nx,"two\nlines"\ny,"a ""quoted"" word"\n')
    expected = [{"name": "x", "text": "two\nlines"}, {"name": "y", "text": 'a "quoted" word'}]
    assert read_all(Csv(), path) == expected
    assert stream_all(Csv(), path) == expected
    path.write_text("a,b\n1\n")
    with pytest.raises(ShardError, match="at byte 4: this line has 1 values for 2 names"):
        read_all(Csv(), path)


def test_plain_files(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt"):
        (tmp_path / name).write_text(name)
    (shard,) = Files().open(sorted(tmp_path.iterdir()), root=f"{tmp_path}/", tolerate=False)
    assert [shard.read(number) for number in range(len(shard))] == [
        {"__key__": "a", "txt": b"a.txt"},
        {"__key__": "b", "txt": b"b.txt"},
    ]


def test_npy_rows_and_token_windows(tmp_path: Path) -> None:
    numpy.save(tmp_path / "rows.npy", numpy.arange(12).reshape(4, 3))
    assert [row.tolist() for row in read_all(Npy(), tmp_path / "rows.npy")][3] == [9, 10, 11]
    tokens = tmp_path / "tokens.bin"
    numpy.arange(11, dtype="uint16").tofile(tokens)
    expected = [[0, 1, 2, 3, 4, 5], [5, 6, 7, 8, 9, 10]]
    assert [window.tolist() for window in read_all(Tokens(block=5), tokens)] == expected
    assert [window.tolist() for window in stream_all(Tokens(block=5), tokens)] == expected


def test_the_format_is_guessed_from_names_unless_they_differ() -> None:
    assert guess([Path("a.tar"), Path("b.TAR")], "train") == Tar()
    assert guess([Path("a.jpg"), Path("b.png")], "train") == Files()
    assert json.dumps([type(guess([Path(f"a.{end}")], "t")).__name__ for end in ("csv", "jsonl", "npy", "rec")]) == (
        '["Csv", "JsonLines", "Npy", "RecordIO"]'
    )
    mixed = [Path(name) for name in ("README.md", "a.csv", "b.csv", "c.tar", "LICENSE")]
    with pytest.raises(
        DataError,
        match=r"the channel 'train' mixes README\.md, a\.csv, c\.tar, LICENSE: keep one kind of file under its prefix, "
        r"or say which reader takes them all, as Csv\(\)$",
    ):
        guess(mixed, "train")


@pytest.mark.parametrize("name", ["a.tar.gz", "a.TGZ", "a.jsonl.gz", "a.csv.zst"])
def test_compressed_files_of_a_known_format_are_no_plain_files(name: str) -> None:
    with pytest.raises(DataError, match=f"holds {name}, which is compressed: unpack it"):
        guess([Path("a.txt"), Path(name)], "train")
    assert guess([Path("a.nii.gz")], "train") == Files()


@pytest.mark.parametrize("read", [read_all, stream_all])
def test_csv_takes_a_mark_of_utf8_and_lines_that_repeat_the_names(tmp_path: Path, read: Any) -> None:
    """Spreadsheets write the mark; files that were put one behind the other, as Pipe mode does, repeat their names."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbfa,b\n1,2\n" + b"\xef\xbb\xbfa,b\n3,4\n")
    assert read(Csv(), path) == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


@pytest.mark.parametrize("read", [read_all, stream_all])
@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_an_empty_csv_file_has_no_rows(tmp_path: Path, read: Any, content: bytes) -> None:
    """Spark and Athena write such parts."""
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    assert read(Csv(), path) == []


def test_an_open_quotation_mark_is_found_in_one_pass(tmp_path: Path) -> None:
    """Looking at all that is held once more for each line, this takes minutes and not milliseconds."""
    path = tmp_path / "a.csv"
    path.write_bytes(b'a\n"' + b"line\n" * 200_000)
    with pytest.raises(ShardError, match="at byte 2: a quotation mark is opened here and never closed"):
        stream_all(Csv(), path)


@pytest.mark.parametrize("read", [read_all, stream_all])
def test_json_that_is_too_deep_is_a_damaged_line(tmp_path: Path, read: Any) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"1\n" + b"[" * 200_000 + b"\n")
    with pytest.raises(ShardError, match="at byte 2: this line is not JSON"):
        read(JsonLines(), path)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"block": 0}, "block is 0 and must be 1 or more tokens"),
        ({"block": 4, "dtype": "uint99"}, "dtype is 'uint99': tokens are whole numbers"),
        ({"block": 4, "dtype": "float32"}, "dtype is 'float32': tokens are whole numbers"),
    ],
)
def test_tokens_that_mean_nothing_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Tokens(**wrong)


def test_tokens_are_never_a_files_header_nor_fractions(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    numpy.save(path, numpy.arange(9))
    with pytest.raises(DataError, match=r"a\.npy: \.npy cannot be streamed"):
        stream_all(Tokens(block=2), path)
    numpy.save(path, numpy.ones(9))
    with pytest.raises(DataError, match="has numbers of type float64: tokens are whole numbers"):
        read_all(Tokens(block=2), path)


def test_a_file_that_is_closed_for_another_is_not_closed_for_who_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With few files open at once, what one thread opens would else get the number of what another is reading."""
    monkeypatch.setattr(media, "_MAX_OPEN", 1)
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "b").write_bytes(b"b")
    mine = media._opened(str(tmp_path / "a"))
    assert media.read_at(str(tmp_path / "b"), 0, 1) == b"b"
    assert mine.read(0, 1) == b"a"
    assert media.read_at(str(tmp_path / "a"), 0, 1) == b"a"
