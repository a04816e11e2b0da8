"""What comes down from S3 lies below its folder, whole, or not at all."""

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from yard.errors import UserError, explain
from yard.transfer import downloads

SOURCE = "s3://bucket/runs/r/output/model.tar.gz"


def archive(*entries: tuple[str, bytes] | tarfile.TarInfo, mode: str = "w:gz") -> bytes:
    """A tar of these files and entries."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as packed:  # type: ignore[call-overload]
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                packed.addfile(entry)
            else:
                info = tarfile.TarInfo(entry[0])
                info.size = len(entry[1])
                packed.addfile(info, io.BytesIO(entry[1]))
    return data.getvalue()


def special(name: str, kind: bytes, link: str = "", **fields: Any) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, link
    for field, value in fields.items():
        setattr(entry, field, value)
    return entry


GOOD = ("weights.bin", b"w" * 100_000)
BROKEN = {
    "nothing": b"",
    "no archive": b"<html>503</html>",
    "cut off": archive(GOOD)[:-40],
    "cut in its first block": archive(GOOD)[:30],
    "a wrong sum": archive(GOOD)[:-8] + bytes(8),
    "damaged inside": archive(GOOD)[:200] + b"\xff" * 200 + archive(GOOD)[400:],
    "gzip of something else": gzip.compress(b"not a tar" * 1000),
    "tar without its end": archive(GOOD, mode="w")[:50_000],
    "a way up": archive(GOOD, ("../out", b"x")),
    "an absolute link": archive(GOOD, special("a", tarfile.SYMTYPE, "/etc/passwd")),
    "a link up": archive(GOOD, special("a", tarfile.SYMTYPE, "../../out"), ("a/b", b"x")),
    "a hard link to nothing": archive(GOOD, special("a", tarfile.LNKTYPE, "gone")),
    "a hard link out": archive(GOOD, special("a", tarfile.LNKTYPE, "../../etc/passwd")),
    "a device": archive(GOOD, special("null", tarfile.CHRTYPE, devmajor=1, devminor=3)),
    "a pipe": archive(GOOD, special("pipe", tarfile.FIFOTYPE)),
    "a name that is too long": archive(GOOD, ("x" * 300, b"x")),
    "a file that is a folder too": archive(GOOD, ("a", b"x"), ("a/b", b"x")),
}


def writer(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_archive_is_one_line_and_leaves_nothing(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "models/run"
    with pytest.raises((UserError, OSError)) as failure:
        downloads.unpack(writer(content), folder, SOURCE)
    said = explain(failure.value)
    assert said is not None, "a traceback"
    assert "\n" not in said.happened
    assert list((tmp_path / "models").iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["models"]


@pytest.mark.parametrize("name", ["/abs/file", "a/./b", "-rf", "caf\u00e9", "a" * 200 + "/" + "b" * 200])
def test_a_harmless_name_is_unpacked_below(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "models/run"
    downloads.unpack(writer(archive((name, b"x"))), folder, SOURCE)
    (path,) = [path for path in folder.rglob("*") if path.is_file()]
    assert path.read_bytes() == b"x"


def test_what_lies_there_stays_and_what_is_unpacked_again_is_new(tmp_path: Path) -> None:
    folder = tmp_path / "models/run"
    downloads.unpack(writer(archive(("sub/a", b"old"), ("sub/b", b"b"))), folder, SOURCE)
    (folder / "notes.txt").write_text("mine")
    downloads.unpack(writer(archive(("sub/a", b"new"), ("c", b"c"))), folder, SOURCE)
    found = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert found == {"sub/a": "new", "sub/b": "b", "c": "c", "notes.txt": "mine"}


def test_a_full_disk_leaves_the_old_model_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "models/run"
    downloads.unpack(writer(archive(("a", b"old"))), folder, SOURCE)

    def fill(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError) as failure:
        downloads.unpack(fill, folder, SOURCE)
    said = explain(failure.value)
    assert said is not None and said.happened == f"The disk is full while writing {folder}."
    assert [path.name for path in folder.parent.iterdir()] == ["run"]
    assert (folder / "a").read_bytes() == b"old"


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("old")
    with pytest.raises(OSError), downloads.whole(page) as file:
        file.write_text("half")
        raise OSError(28, "No space left on device")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("page.html", "old")]
    with downloads.whole(page) as file:
        file.write_text("new")
    assert page.read_text() == "new"
    assert page.stat().st_mode & 0o777 == 0o644


class Bucket:
    """S3 with these keys, each of which holds its own name."""

    def __init__(self, *keys: str) -> None:
        self.keys = keys

    def get_paginator(self, _: str) -> "Bucket":
        return self

    def paginate(self, **_: str) -> list[dict[str, Any]]:
        return [{"Contents": [{"Key": key} for key in self.keys]}]

    def download_file(self, _: str, key: str, path: str) -> None:
        Path(path).write_text(key)


def test_every_object_below_a_prefix_comes_down(tmp_path: Path) -> None:
    assert downloads.fetch(Bucket("p/", "p/a", "p/b/c", "p/b/"), "bucket", "p/", tmp_path / "run") == 2
    assert (tmp_path / "run/b/c").read_text() == "p/b/c"
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2


@pytest.mark.parametrize("key", ["p/../../out", "p//abs/out", "p/a/../../../out", "p/\0"])
def test_a_key_that_leads_out_is_refused_and_nothing_comes_down(tmp_path: Path, key: str) -> None:
    with pytest.raises(UserError, match=r"s3://bucket/p/.* is no name for a file below "):
        downloads.fetch(Bucket("p/good", key), "bucket", "p/", tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
