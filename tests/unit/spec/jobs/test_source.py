"""Bundles of user code: the same files give the same bytes."""

import io
import os
import zipfile
from pathlib import Path

import pytest

from shardyard.spec.errors import SpecError
from shardyard.spec.jobs.source import bundle, sha256


def write(folder: Path, names: list[str]) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def test_the_bytes_depend_on_the_files_only(tmp_path: Path) -> None:
    one = write(tmp_path / "one", ["train.py", "lib/a.py", "lib/b.py"])
    two = write(tmp_path / "deep/two", ["lib/b.py", "train.py", "lib/a.py"])
    os.utime(two / "train.py", (1, 1))
    assert bundle(one) == bundle(two)
    assert len(sha256(bundle(one))) == 64


def test_a_change_changes_the_bytes(tmp_path: Path) -> None:
    folder = write(tmp_path, ["train.py"])
    before = bundle(folder)
    (folder / "train.py").write_text("other")
    assert bundle(folder) != before


def test_caches_and_version_control_are_left_out(tmp_path: Path) -> None:
    folder = write(
        tmp_path, ["train.py", ".git/config", "__pycache__/x.pyc", "lib/__pycache__/y.pyc", "z.pyc", ".venv/a"]
    )
    assert zipfile.ZipFile(io.BytesIO(bundle(folder))).namelist() == ["train.py"]


def test_the_files_come_out_as_they_went_in(tmp_path: Path) -> None:
    folder = write(tmp_path / "in", ["train.py", "run.sh"])
    (folder / "run.sh").chmod(0o755)
    archive = zipfile.ZipFile(io.BytesIO(bundle(folder)))
    assert archive.read("train.py") == b"train.py"
    modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
    assert modes == {"run.sh": 0o755, "train.py": 0o644}


def test_no_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"source.dir: .*/none is not a folder"):
        bundle(tmp_path / "none")
