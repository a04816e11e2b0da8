"""The packages that a job's code names are found before its nodes run."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from contract.variables import SOURCE_SHA256
from embedded.services.sagemaker.jobs import own_packages


def write_tar(path: Path, **files: str) -> None:
    path.parent.mkdir(parents=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name.replace("_", "."))
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))


@pytest.mark.parametrize("folder", ["input/data/code", "processing/input/code"])
def test_in_the_zip_of_the_launcher(folder: str, tmp_path: Path) -> None:
    path = tmp_path / "ml" / folder / "code.zip"
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("requirements.txt", "a==1\n")
    found = own_packages.find({SOURCE_SHA256: "x"}, tmp_path / "ml", tmp_path / "code")
    assert found is not None and found.read_text() == "a==1\n"
    assert own_packages.find({}, tmp_path / "ml", tmp_path / "code") is None, "some zip of the user's"


def test_in_the_archive_of_the_sdk(tmp_path: Path) -> None:
    write_tar(tmp_path / "ml/processing/input/code/sourcedir.tar.gz", requirements_txt="a==1\n", run_py="")
    found = own_packages.find({}, tmp_path / "ml", tmp_path / "code")
    assert found is not None and found.read_text() == "a==1\n"
    assert (tmp_path / "code" / "run.py").exists(), "what the list refers to lies beside it"


@pytest.mark.parametrize("files", [{"run_py": ""}, {"requirements_txt": "# nothing\n"}])
def test_an_archive_that_names_none(files: dict[str, str], tmp_path: Path) -> None:
    write_tar(tmp_path / "ml/processing/input/code/sourcedir.tar.gz", **files)
    assert own_packages.find({}, tmp_path / "ml", tmp_path / "code") is None


def test_what_is_no_archive_is_left_to_the_start_script(tmp_path: Path) -> None:
    path = tmp_path / "ml/processing/input/code/sourcedir.tar.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no archive")
    assert own_packages.find({}, tmp_path / "ml", tmp_path / "code") is None
