"""Bundles of user code: the same files give the same bytes, and nothing travels that is no code."""

import io
import os
import zipfile
from pathlib import Path

import pytest

from shardyard.spec.errors import SpecError
from shardyard.spec.jobs.code import files
from shardyard.spec.jobs.code.bundle import bundle, sha256
from shardyard.spec.jobs.code.files import SourceFiles, source_files


def write(folder: Path, names: list[str]) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def packed(root: Path, folder: str = ".") -> bytes:
    return bundle(source_files(root, folder))


def names(root: Path, folder: str = ".") -> list[str]:
    return zipfile.ZipFile(io.BytesIO(packed(root, folder))).namelist()


def test_the_bytes_depend_on_the_files_only(tmp_path: Path) -> None:
    one = write(tmp_path / "one", ["train.py", "lib/a.py", "lib/b.py", "lib-x.py"])
    two = write(tmp_path / "deep/two", ["lib-x.py", "lib/b.py", "train.py", "lib/a.py"])
    os.utime(two / "train.py", (1, 1))
    assert packed(one) == packed(two)
    assert len(sha256(packed(one))) == 64


def test_a_change_changes_the_bytes(tmp_path: Path) -> None:
    folder = write(tmp_path, ["train.py"])
    before = packed(folder)
    (folder / "train.py").write_text("other")
    assert packed(folder) != before


@pytest.mark.parametrize(
    "name",
    [
        "cdk.out/asset.zip",
        "cdk.out.old/asset.zip",
        ".yard/cloud/log",
        ".git/config",
        "__pycache__/x.pyc",
        "lib/__pycache__/y.pyc",
        "z.pyc",
        ".venv/a",
        "env-of-mine/pyvenv.cfg",
        "my-cache/CACHEDIR.TAG",
        "build/lib/a.py",
        "models/20261128-234940-7f16/weights.pt",
        "lib/.ipynb_checkpoints/a.ipynb",
    ],
)
def test_what_tools_leave_behind_stays_here(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path, ["train.py", "models/resnet.py", name])
    assert names(folder) == ["models/resnet.py", "train.py"]


def test_synth_does_not_change_the_hash_of_the_project_itself(tmp_path: Path) -> None:
    folder = write(tmp_path, ["code/x.py", "cdk.json"])
    before = packed(folder)
    write(folder, ["cdk.out/asset.1.zip", ".yard/cloud/log"])
    assert packed(folder) == before


def test_the_projects_own_patterns_count_and_the_nearest_most(tmp_path: Path) -> None:
    write(tmp_path, ["code/train.py", "code/a.ckpt", "code/keep/b.ckpt", "code/data/x.csv", "code/build/ext.py"])
    (tmp_path / ".gitignore").write_text("*.ckpt\n# a comment\n")
    (tmp_path / "code/.yardignore").write_text("data/\n!/build/\n")
    (tmp_path / "code/keep/.gitignore").write_text("!b.ckpt\n")
    assert names(tmp_path, "code") == [
        ".yardignore",
        "build/ext.py",
        "keep/.gitignore",
        "keep/b.ckpt",
        "train.py",
    ]


def test_yardignore_takes_back_what_gitignore_leaves_out_but_no_made_folder(tmp_path: Path) -> None:
    write(tmp_path, ["train.py", "made.py", "cdk.out/a.zip"])
    (tmp_path / ".gitignore").write_text("made.py\ncdk.out/\n")
    (tmp_path / ".yardignore").write_text("!made.py\n!cdk.out/\n.gitignore\n.yardignore\n")
    assert names(tmp_path) == ["made.py", "train.py"]


@pytest.mark.parametrize("target", ["../secret", "../outside"])
def test_a_link_out_of_the_folder_is_refused(tmp_path: Path, target: str) -> None:
    write(tmp_path, ["code/train.py", "secret", "outside/key"])
    (tmp_path / "code/notes.txt").symlink_to(target)
    with pytest.raises(SpecError, match=r"source.dir: notes.txt in 'code' is a link that leads out of the folder"):
        source_files(tmp_path, "code")
    (tmp_path / "code/.yardignore").write_text("notes.txt\n")
    assert "notes.txt" in source_files(tmp_path, "code").left_out


def test_links_inside_travel_as_files_and_what_cannot_is_counted(tmp_path: Path) -> None:
    write(tmp_path, ["train.py", "lib/a.py"])
    (tmp_path / "also.py").symlink_to("train.py")
    (tmp_path / "linked").symlink_to("lib")
    os.mkfifo(tmp_path / "pipe")
    found = source_files(tmp_path, ".")
    assert list(found.files) == ["also.py", "lib/a.py", "train.py"]
    assert found.left_out == ("linked", "pipe")
    assert str(found) == "3 files, 0 kB; left out: linked, pipe"


def test_the_sentence_counts_what_it_does_not_name() -> None:
    assert str(SourceFiles(left_out=("a", "b", "c", "d", "e"))) == "0 files, 0 kB; left out: a, b, c and 2 more"


def test_data_in_the_code_is_refused_by_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_BYTES", 1_000_000)
    write(tmp_path, ["train.py"])
    (tmp_path / "data.bin").write_bytes(bytes(2_000_000))
    with pytest.raises(SpecError, match=r"'\.' has 2 MB in 2 files, and code may have 1 MB \(the largest: data.bin 2"):
        source_files(tmp_path, ".")


def test_the_files_come_out_as_they_went_in(tmp_path: Path) -> None:
    folder = write(tmp_path / "in", ["train.py", "run.sh"])
    (folder / "run.sh").chmod(0o755)
    archive = zipfile.ZipFile(io.BytesIO(packed(folder)))
    assert archive.read("train.py") == b"train.py"
    modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
    assert modes == {"run.sh": 0o755, "train.py": 0o644}


def test_no_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"source.dir: .*/none is not a folder"):
        source_files(tmp_path, "none")
