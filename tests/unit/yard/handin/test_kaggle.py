"""A hand-in from a run's model to the commands that upload it, with the notebook really run, without a network."""

import json
import os
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from embedded.nodes import sandbox
from shardyard.spec.jobs.code.files import source_files
from tests.support.notebooks import book
from yard import commands
from yard.errors import UserError
from yard.handin import kaggle, offline
from yard.handin.kaggle import Prepared, Wanted
from yard.handin.package import HandIn
from yard.main import app
from yard.project import Project, find_project

commands.register(app)
JOB = '[image]\nframework = "pytorch"\nversion = "2.13"\n[source]\ndir = "code"\n[program]\nentry = "train.py"\n'
CODE = ("code/infer.py", "code/train.py", "jobs/churn.toml", "titanic/sample_submission.csv", "titanic/test.csv")
INFER = """
import csv, json

def predict(model_dir, data_dir, submission):
    weight = json.load(open(model_dir + "/weights.json"))["w"]
    rows = list(csv.DictReader(open(data_dir + "/test.csv")))
    with open(submission, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "y"])
        writer.writerows([row["id"], weight * float(row["x"])] for row in rows)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    for folder in ("jobs", "code", "titanic"):
        (tmp_path / folder).mkdir()
    (tmp_path / "cdk.json").write_text('{"context": {"project": "vision", "stage": "dev"}}')
    (tmp_path / "jobs/churn.toml").write_text(f'{JOB}[compute]\ninstance_type = "ml.m5.xlarge"\n')
    (tmp_path / "code/train.py").write_text("print(1)\n")
    (tmp_path / "code/infer.py").write_text(INFER)
    (tmp_path / "titanic/test.csv").write_text("id,x\n1,2\n2,4\n")
    (tmp_path / "titanic/sample_submission.csv").write_text("id,y\n1,0\n2,0\n")

    def fetch(aws: Any, found: Any, folder: Path) -> list[Path]:
        folder.mkdir(parents=True)
        (folder / "weights.json").write_text('{"w": 0.5}')
        return [folder / "weights.json"]

    monkeypatch.setattr(kaggle.runs, "find", lambda aws, run: SimpleNamespace(job="churn", run_id="20261130-1"))
    monkeypatch.setattr(kaggle.artifacts, "model", lambda aws, run: SimpleNamespace())
    monkeypatch.setattr(kaggle.artifacts, "fetch", fetch)
    monkeypatch.chdir(tmp_path)
    return find_project(tmp_path)


def prepared(project: Project, **options: Any) -> Prepared:
    given = {"run": "churn", "competition": "Titanic", "user": "Ann", "data": project.root / "titanic"}
    names = {"sample": "sample_submission.csv", "file": "submission.csv", "python": Path(sys.prefix, "bin/python")}
    return kaggle.prepare(SimpleNamespace(project=project), Wanted(**{**given, **names, **options}))  # type: ignore[arg-type]


def said(done: Prepared) -> list[str]:
    return [f"{one.rule}: {one.state}: {one.says}" for one in done.verdicts]


needs_namespaces = pytest.mark.skipif(sandbox.best().isolation == "loopback", reason="no namespaces here")


@needs_namespaces
def test_a_hand_in_that_keeps_the_rules(project: Project) -> None:
    done = prepared(project)
    assert done.is_sound, done
    assert [verdict.rule for verdict in done.verdicts] == [
        *("data set's size", "data set's files", "no internet", "run time", "submission"),
    ]
    folder = project.root / "handin/churn"
    assert list(source_files(project.root, ".").files) == ["cdk.json", *CODE], "the model does not travel as code"
    assert (folder / "output/submission.csv").read_text().split() == ["id,y", "1,1.0", "2,2.0"]
    kernel = json.loads((folder / "notebook/kernel-metadata.json").read_text())
    assert (kernel["id"], kernel["enable_internet"]) == ("ann/churn-model-submit", False)
    assert kernel["dataset_sources"] == ["ann/churn-model"] and kernel["competition_sources"] == ["titanic"]
    dataset = json.loads((folder / "dataset/dataset-metadata.json").read_text())
    assert dataset["id"] == "ann/churn-model" and 6 <= len(dataset["title"]) <= 50
    assert kaggle.submits(done.hand_in, "submission.csv", "run") == (
        "kaggle competitions submit titanic -f submission.csv -k ann/churn-model-submit -v 1 -m run"
    )


@needs_namespaces
def test_what_reaches_for_the_internet_fails_here_as_it_would_there(project: Project) -> None:
    reach = "import urllib.request\nurllib.request.urlopen('http://1.1.1.1', timeout=5)\n"
    notebook = book.write(project.root / "own.ipynb", ["%pip install tiny", f"x = 1\n{reach}", "urlretrieve = print"])
    done = prepared(project, notebook=notebook)
    found = said(done)
    assert "no internet: broken: pip install tiny: attach its wheel" in "\n".join(found)
    assert any(line.startswith("notebook: broken: it failed with exit code 1 where nothing") for line in found)
    assert "unreachable" in done.tail


@needs_namespaces
def test_a_notebook_of_ones_own_sees_its_inputs_where_kaggle_mounts_them(project: Project) -> None:
    cells = [
        "%matplotlib inline\nimport os, glob\nglob.glob('/kaggle/input/**/weights.json', recursive=True)",
        "rows = open('/kaggle/input/titanic/test.csv').readlines()\n!printf 'id,y\\n1,0\\n' > submission.csv",
    ]
    done = prepared(project, notebook=book.write(project.root / "own.ipynb", cells), hidden_rows=10)
    assert "submission: broken: it has 1 rows, and the sample 2" in said(done)


@needs_namespaces
def test_one_that_takes_too_long_is_ended(project: Project) -> None:
    notebook = book.write(project.root / "own.ipynb", ["while True: pass"])
    done = prepared(project, notebook=notebook, hours=1 / 3600)
    assert said(done)[-1].startswith("run time: broken: it was ended after")


def test_a_notebook_that_cannot_run_is_not_run(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline, "run", lambda *given, **options: pytest.fail("it was run"))
    done = prepared(project, notebook=book.write(project.root / "own.ipynb", ["print(nowhere)", "!wget x"]))
    assert "notebook: broken: cell 1, line 1: nowhere is bound by no cell" in "\n".join(said(done))
    assert "notebook: broken: cell 2, line 1: wget needs the internet" in "\n".join(said(done))


def test_without_namespaces_nothing_is_run(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "best", lambda: sandbox.Sandbox(isolation="loopback", why="forbidden"))
    with pytest.raises(UserError, match=r"The network cannot be switched off .* so nothing was run"):
        prepared(project)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"competition": "a b"}, "--competition 'a b' is no name on Kaggle"),
        ({"user": "../x"}, "--user '../x' is no name on Kaggle"),
        ({"data": Path("none")}, "none is not a folder"),
        ({"sample": "x.csv"}, "There is no x.csv in .*sample_submission.csv, test.csv"),
        ({"python": Path("/usr/nowhere/python")}, "is no Python of a virtual environment"),
        ({"to": Path("code")}, "code is there already, and is no hand-in"),
    ],
)
def test_what_is_wanted_wrongly_is_said(project: Project, options: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        prepared(project, **options)
    assert (project.root / "code/infer.py").is_file()


def test_a_job_without_inference_is_told_what_to_write(project: Project) -> None:
    (project.root / "code/infer.py").unlink()
    with pytest.raises(UserError, match=r"has no infer\.py") as refusal:
        prepared(project)
    assert "def predict(model_dir, data_dir, submission)" in refusal.value.fix


def test_an_empty_model_is_said(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kaggle.artifacts, "fetch", lambda aws, found, folder: [])
    with pytest.raises(UserError, match="The model of 20261130-1 is empty"):
        prepared(project)


def command(*more: str) -> Any:
    words = ["submit", "kaggle", "churn", "--competition", "titanic", "--data", "titanic", "--user", "ann"]
    return CliRunner().invoke(app, [*words, "--python", f"{sys.prefix}/bin/python", *more])


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kaggle command that writes down how it is called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "kaggle").write_text(f'#!/bin/sh\necho "$@" >> {folder}/calls\n[ "$2" != status ] || exit 1\n')
    (folder / "kaggle").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder / "calls"


@needs_namespaces
def test_nothing_is_uploaded_unless_asked(project: Project, tool: Path) -> None:
    done = command()
    assert done.exit_code == 0, done.output
    assert "kaggle datasets create -p" in done.output and "kaggle kernels push -p" in done.output
    assert not tool.exists()


@needs_namespaces
def test_the_persons_own_tool_uploads(project: Project, tool: Path) -> None:
    done = command("--upload", "--yes", "--json")
    assert done.exit_code == 0, done.output
    folder = project.root / "handin/churn"
    assert tool.read_text().splitlines() == [
        "datasets status ann/churn-model",
        f"datasets create -p {folder}/dataset -r zip",
        f"kernels push -p {folder}/notebook",
    ]


@needs_namespaces
def test_what_breaks_a_rule_is_never_uploaded(project: Project, tool: Path) -> None:
    (project.root / "code/infer.py").write_text("def predict(model_dir, data_dir, submission): pass\n")
    done = command("--upload", "--yes")
    assert isinstance(done.exception, UserError) and "breaks 1 rule of" in done.exception.happened
    assert "submission.csv is not in /kaggle/working" in done.output
    assert not tool.exists()


def test_commands_for_a_person_can_be_copied_whatever_the_folder_is_called() -> None:
    one = HandIn(folder=Path("/my run's/h"), slug="churn-model", competition="titanic", user="ann")
    for shown, words in zip(kaggle.shown(one), kaggle.uploads(one, is_new=True), strict=True):
        assert shlex.split(shown) == words


def test_a_tool_that_is_not_there_is_said(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UserError, match="There is no kaggle command"):
        kaggle.upload(SimpleNamespace(user="ann", slug="x"))  # type: ignore[arg-type]
