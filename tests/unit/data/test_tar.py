"""Tar shards, whole, cut and damaged, against what tarfile writes."""

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.training.data_files import read_all, stream_all, write_tar
from training.data.errors import ShardError
from training.data.readers import Tar
from training.data.tar import split_name


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
