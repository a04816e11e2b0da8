"""The formats, against files that other programs wrote."""

import io
import json
import struct
import tarfile
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data import media
from training.data.errors import DataError, ShardError
from training.data.readers import Csv, Files, JsonLines, Npy, Reader, RecordIO, Tar, Tokens, guess
from training.data.records import RECORDIO_MAGIC
from training.data.tar import split_name


def write_tar(path: Path, members: list[tuple[str, bytes]], form: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(path, "w", format=form) as archive:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def recordio(*records: bytes) -> bytes:
    framed = b""
    for record in records:
        framed += struct.pack("<II", RECORDIO_MAGIC, len(record)) + record + bytes(-len(record) % 4)
    return framed


def read_all(reader: Reader, path: Path) -> list[Any]:
    (shard,) = reader.open([path], root="", tolerate=False)
    return [shard.read(number) for number in range(len(shard))]


def stream_all(reader: Reader, path: Path) -> list[Any]:
    with open(path, "rb") as file:
        return list(reader.stream(file, str(path)))


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_tar_groups_neighbours_by_stem(tmp_path: Path, form: int) -> None:
    path = write_tar(
        tmp_path / "a.tar",
        [("x/0001.jpg", b"picture"), ("x/0001.cls", b"3"), ("x/0002.jpg", b""), ("x/0002.seg.png", b"mask" * 300)],
        form,
    )
    expected = [
        {"__key__": "x/0001", "jpg": b"picture", "cls": b"3"},
        {"__key__": "x/0002", "jpg": b"", "seg.png": b"mask" * 300},
    ]
    assert read_all(Tar(), path) == expected
    assert stream_all(Tar(), path) == expected


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_tar_reads_long_and_foreign_names(tmp_path: Path, form: int) -> None:
    long = "deep/" * 60 + "0001"
    members = [(f"{long}.txt", b"a"), (f"{long}.cls", b"b"), ("K\u00f6ln.txt", b"c"), ("z.txt", b"d")]
    path = write_tar(tmp_path / "a.tar", members, form)
    expected = [
        {"__key__": long, "txt": b"a", "cls": b"b"},
        {"__key__": "K\u00f6ln", "txt": b"c"},
        {"__key__": "z", "txt": b"d"},
    ]
    assert read_all(Tar(), path) == expected
    assert stream_all(Tar(), path) == expected


@given(
    contents=st.lists(
        st.dictionaries(st.sampled_from(["jpg", "cls", "a.b"]), st.binary(max_size=1500), min_size=1), max_size=12
    )
)
def test_tar_returns_what_tarfile_wrote(tmp_path_factory: pytest.TempPathFactory, contents: Any) -> None:
    path = tmp_path_factory.mktemp("tar") / "a.tar"
    write_tar(path, [(f"{n:04d}.{ext}", data) for n, sample in enumerate(contents) for ext, data in sample.items()])
    expected = [{"__key__": f"{n:04d}", **sample} for n, sample in enumerate(contents)]
    assert read_all(Tar(), path) == expected
    assert stream_all(Tar(), path) == expected


def test_a_truncated_tar_names_file_and_offset(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", [("1.bin", b"x" * 2000), ("2.bin", b"y" * 2000)])
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(ShardError, match=r"a\.tar cannot be read at byte 4000: the file ends \d+ bytes too early"):
        Tar().open([path], root="", tolerate=False)
    (shard,) = Tar().open([path], root="", tolerate=True)
    assert len(shard) == 1
    assert shard.damage is not None
    assert shard.damage.offset == 4000
    with pytest.raises(ShardError, match="bytes too early"):
        stream_all(Tar(), path)


def test_a_stream_that_is_cut_anywhere_yields_whole_samples_and_then_says_where(tmp_path: Path) -> None:
    members = [("1.bin", b"x" * 700), ("1.cls", b""), ("2.bin", b"y" * 512), ("3.bin", b"z")]
    content = write_tar(tmp_path / "a.tar", members, tarfile.USTAR_FORMAT).read_bytes()
    ends = [0, 1536, 2048, 3072, 4096]
    samples = [
        {"__key__": "1", "bin": b"x" * 700, "cls": b""},
        {"__key__": "2", "bin": b"y" * 512},
        {"__key__": "3", "bin": b"z"},
    ]
    for cut in range(0, 4097, 64):
        found = []
        try:
            for sample in Tar().stream(io.BytesIO(content[:cut]), "a.tar"):
                found.append(sample)
        except ShardError as error:
            assert cut not in ends
            assert error.offset == cut
        else:
            assert cut in ends
        assert found == samples[: len(found)] or (cut == 1536 and found == [{"__key__": "1", "bin": b"x" * 700}])


def test_a_stream_passes_over_what_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        folder = tarfile.TarInfo("very/" * 30 + "deep")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name in ("1.bin", "1.cls", ".hidden"):
            archive.addfile(tarfile.TarInfo(name))
    expected = [{"__key__": "1", "bin": b"", "cls": b""}, {"__key__": "", "hidden": b""}]
    assert stream_all(Tar(), path) == expected
    assert read_all(Tar(), path) == expected


@given(place=st.integers(0, 10239), value=st.integers(0, 255), cut=st.none() | st.integers(0, 10240))
def test_a_damaged_tar_is_an_error_of_ours_or_other_content_but_never_a_crash(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: int, cut: int | None
) -> None:
    path = tmp_path_factory.mktemp("tar") / "a.tar"
    write_tar(path, [("1.bin", b"x" * 700), ("deep/" * 30 + "2.bin", b"y" * 700), ("2.cls", b"3")])
    content = bytearray(path.read_bytes())
    content[place] = value
    path.write_bytes(bytes(content)[:cut])
    for read in (read_all, stream_all):
        try:
            read(Tar(), path)
        except ShardError as error:
            assert error.path == str(path)


def test_something_else_is_no_tar(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(b"not a tar" * 200)
    with pytest.raises(ShardError, match="at byte 0: there is no tar header here"):
        Tar().open([path], root="", tolerate=False)


def test_split_name_follows_webdataset() -> None:
    assert split_name("a.b/c.seg.png") == ("a.b/c", "seg.png")
    assert split_name("plain") == ("plain", "")


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


def test_an_empty_part_of_a_table_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"")
    (tmp_path / "b.csv").write_bytes(b"n\n1\n")
    for read in (read_all, stream_all):
        assert read(Csv(), tmp_path / "a.csv") == []
        assert read(Csv(), tmp_path / "b.csv") == [{"n": "1"}]
