"""Files of the project that a job names are looked for before any synth."""

from pathlib import Path
from typing import Any

import pytest

from shardyard.spec.jobs.code.project_files import missing_files
from tests.support.spec.spec_tables import make


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in (
        "containers/pytorch/Dockerfile",
        "training/launcher/__main__.py",
        "training/pytorch/programs/mnist.py",
        "src/train.py",
        "src/own/main.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        (
            {"image": {"folder": "pytroch"}},
            "image.folder: there is no containers/pytroch/Dockerfile; did you mean 'pytorch'?",
        ),
        ({"source": {"dir": "scr"}}, "source.dir: there is no folder 'scr' in the project (make it, or correct it)"),
        (
            {"source": {"dir": "src"}, "program": {"entry": "trian.py"}},
            "program.entry: there is no 'trian.py' in the job's code, src/",
        ),
        (
            {"program": {"entry": "training.pytorch.programs.mnits"}},
            "program.entry: there is no module training.pytorch.programs.mnits; "
            "did you mean 'training.pytorch.programs.mnist'?",
        ),
        (
            {
                "image": {"folder": None, "framework": "pytorch", "version": "2.13"},
                "program": {"entry": "training.pytorch.programs.mnits"},
            },
            "program.entry: there is no module training.pytorch.programs.mnits; "
            "did you mean 'training.pytorch.programs.mnist'?",
        ),
    ],
)
def test_each_missing_file_has_its_line(root: Path, tables: dict[str, Any], says: str) -> None:
    assert [str(problem) for problem in missing_files(make(**tables), root)] == [says]


@pytest.mark.parametrize(
    "tables",
    [
        {},
        {"source": {"dir": "src"}, "program": {"entry": "train.py"}},
        {"source": {"dir": "src"}, "program": {"entry": "own.main"}},
        {"program": {"entry": "installed.package"}},
        {"image": {"folder": None, "repository": "own", "tag": "1"}, "program": {"entry": "training.of.ours"}},
    ],
)
def test_what_is_there_or_lies_in_an_image_is_fine(root: Path, tables: dict[str, Any]) -> None:
    assert list(missing_files(make(**tables), root)) == []


def test_a_link_out_of_the_project_is_not_in_it(root: Path) -> None:
    (root / "out").symlink_to("/")
    (problem,) = missing_files(make(source={"dir": "out"}), root)
    assert problem.where == "source.dir"
