"""What a conversion writes, and that nothing is left of one that fails."""

import json
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from nbformat import v4
from typer.testing import CliRunner

from tests.support.notebooks import book
from yard import commands
from yard.errors import UserError
from yard.main import app
from yard.notebooks import converting, probe
from yard.notebooks.converting import NotConvertedError, Wanted
from yard.project import Project

commands.register(app)
DEPLOY = "check it and deploy: yard check churn; npx cdk deploy --all"


def wanted(project: Project, *cells: book.Shown, outputs: Any = (), **options: Any) -> Wanted:
    path = book.write(project.root / "notebooks/train.ipynb", cells, outputs=outputs)
    return Wanted(**{"notebook": path, "name": "churn", **options})


def test_parameters_are_hyperparameters_of_their_types(project: Project) -> None:
    cells = ("parameters", "epochs = 3\nlr = 1e-3\nuse = True\nname = 'é\"'\nk = -2\nwhere: str | None = None")
    converting.convert(project, wanted(project, cells))
    assert project.job("churn").hyperparameters == {"epochs": 3, "lr": 0.001, "use": True, "name": 'é"', "k": -2}
    script = project.root / "code/churn/train.py"
    done = subprocess.run([sys.executable, script, "-k", "5", "--lr", "x"], capture_output=True, text=True)
    assert done.returncode == 2 and "--lr: invalid float value: 'x'" in done.stderr


def test_a_parameter_twice_is_refused(project: Project) -> None:
    with pytest.raises(NotConvertedError, match="cell 1, line 2: a is assigned twice"):
        converting.convert(project, wanted(project, ("parameters", "a = 1\na = 2")))


def test_what_the_image_has_needs_no_other(project: Project) -> None:
    done = converting.convert(project, wanted(project, "import numpy, torch\nprint(1)"))
    assert [path.name for path in done.files if path.is_file()] == ["train.py", "churn.toml"]
    assert project.job("churn").image.folder == "pytorch"


def test_what_it_lacks_is_pinned_as_installed_in_an_image_of_its_own(project: Project) -> None:
    cells = ["import boto3\nfrom rich.table import Table\nimport yaml", "%pip install tiny==1.2"]
    done = converting.convert(project, wanted(project, *cells))
    lines = (project.root / "containers/churn/requirements.txt").read_text().splitlines()
    versions = probe.look(["boto3", "rich.table", "yaml"], [])["versions"]
    assert isinstance(versions, dict)
    pins = [f"{name}=={version}" for name, version in sorted(versions.items(), key=lambda item: item[0].lower())]
    assert [line for line in pins if line not in lines] == [] and "tiny==1.2" in lines
    assert lines[:3] == ["torch==2.13.0", "numpy==2.4.6", "scikit-learn==1.9.1"]
    assert "containers/churn/requirements.txt" in (project.root / "containers/churn/Dockerfile").read_text()
    assert done.to_do == (DEPLOY, "push its image: yard image push churn")


def test_an_image_that_is_named_is_taken_and_what_it_lacks_is_said(project: Project) -> None:
    done = converting.convert(project, wanted(project, "import rich", image="pytorch"))
    assert project.job("churn").image.folder == "pytorch"
    assert done.to_do[0].startswith("containers/pytorch does not list rich==") and done.to_do[1:] == (DEPLOY,)


def test_another_version_than_the_image_has_is_said(project: Project) -> None:
    done = converting.convert(project, wanted(project, "%pip install numpy==1.26.4\nimport numpy"))
    assert "notebook: numpy is 1.26.4 here and 2.4.6 in the image, which counts" in map(str, done.notes)


def test_packages_are_those_of_the_python_that_is_named(project: Project, tmp_path: Path) -> None:
    fake = tmp_path / "python"
    said = {"modules": {"pandas": ["pandas"]}, "versions": {"pandas": "2.2.0+local"}, "folders": [], "stdlib": []}
    fake.write_text(f"#!/bin/sh\necho '{json.dumps(said)}'\n")
    fake.chmod(0o755)
    converting.convert(project, wanted(project, "import pandas", python=fake))
    assert "pandas==2.2.0" in (project.root / "containers/churn/requirements.txt").read_text().splitlines()


@pytest.mark.parametrize("says", ["echo no json", "exit 1", "sleep 0; echo '[]' | head -c 0"])
def test_a_python_that_says_nothing_is_named(project: Project, tmp_path: Path, says: str) -> None:
    fake = tmp_path / "python"
    fake.write_text(f"#!/bin/sh\n{says}\n")
    fake.chmod(0o755)
    with pytest.raises(UserError, match="python does not say which packages it has"):
        converting.convert(project, wanted(project, "import pandas", python=fake))


def test_a_file_is_put_by_a_folder_of_its_own(project: Project) -> None:
    beside = project.root / "notebooks"
    (beside / "data").mkdir()
    for name in ("top.csv", "data/x.csv", "data/y.csv"):
        (beside / name).write_text("1")
    given = converting.Given(channels={"one": str(beside / "data/y.csv")})
    cell = f"open('top.csv'); open('data/x.csv'); print(open({str(beside / 'data/y.csv')!r}).read())"
    done = converting.convert(project, wanted(project, cell, given=given))
    assert done.to_do[0] == DEPLOY, "before it there is no bucket"
    assert sorted(done.to_do[1:]) == [
        f"its channel 'data' is empty: yard data put {beside}/data --job churn --channel data",
        "its channel 'input' is empty: copy what it reads beside the notebook into a folder, then: "
        "yard data put FOLDER --job churn --channel input",
        f"its channel 'one' is empty: copy {beside}/data/y.csv into a folder of its own, then: "
        "yard data put FOLDER --job churn --channel one",
    ]
    script = (project.root / "code/churn/train.py").read_text()
    assert 'open(f"{CHANNEL_INPUT}/top.csv")' in script and 'f"{CHANNEL_ONE}/y.csv"' in script


def test_ranks_of_a_group_are_started_by_torchrun(project: Project) -> None:
    converting.convert(project, wanted(project, "import torch.distributed as dist\ndist.init_process_group('gloo')"))
    assert project.job("churn").program.launcher == "torchrun"


def test_fifty_cells_with_large_outputs_take_less_than_two_seconds(project: Project) -> None:
    plot = v4.new_output("display_data", data={"image/png": "iVBORw0KGgo" * 20_000, "text/html": "<b>x</b>" * 10_000})
    cells = [
        f"import numpy as np\n!ls\nx{n} = np.array([{n}])\ntext = f'''\n{{x{n}}}\n'''\nx{n}.sum()" for n in range(50)
    ]
    asked = wanted(project, *cells, outputs=[plot])
    began = time.process_time()
    converting.convert(project, asked)
    assert time.process_time() - began < 2
    assert (project.root / "code/churn/train.py").read_text().count("# %% cell") == 50


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is no notebook"),
        (b"{", "is no notebook"),
        (b"[]", "is no notebook: its text does not begin with {"),
        (b' "cells"', "is no notebook: its text does not begin with {"),
        (b"\xff\xfe\x00", "is no notebook"),
        (b'{"cells": [], "nbformat": 99, "nbformat_minor": 0, "metadata": {}}', "is no notebook"),
        (b'{"cells": [{"cell_type": "code"}], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "is no notebook"),
        (b'{"cells": [{"cell_type": "x", "source": "", "metadata": {}}], "nbformat": 4, "metadata": {}}', "is no note"),
        (b"[" * 100_000, "is no notebook"),
    ],
)
def test_what_is_no_notebook_is_said(project: Project, content: bytes, says: str) -> None:
    path = project.root / "notebooks/broken.ipynb"
    path.write_bytes(content)
    with pytest.raises(UserError, match=says):
        converting.convert(project, Wanted(notebook=path, name="churn"))
    assert not (project.root / "code").exists()


def test_a_notebook_of_the_third_format_is_read(project: Project) -> None:
    path = project.root / "notebooks/old.ipynb"
    cell = {"cell_type": "code", "input": ["x = 1\n", "x"], "outputs": [], "language": "python", "collapsed": False}
    path.write_text(json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": [cell]}]}))
    converting.convert(project, Wanted(notebook=path, name="churn"))
    assert "display(x)" in (project.root / "code/churn/train.py").read_text()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"name": "My Job"}, "is no name for a job"),
        ({"folder": Path("/tmp")}, "is there already"),
        ({"folder": Path("/nowhere-known/x")}, "is no folder of the project"),
        ({"image": "none"}, "There is no containers/none/requirements.txt"),
        ({"given": converting.Given(channels={"a/b": "x"})}, "'a/b' is no name for a channel"),
        ({"notebook": Path("none.ipynb")}, "is no file"),
    ],
)
def test_what_is_wanted_wrongly_is_said(project: Project, options: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        converting.convert(project, wanted(project, "x = 1", **options))


def test_nothing_is_left_of_a_job_that_would_not_be_sound(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (project.root / "jobs/other.toml").write_text("nonsense = 1\n")
    before = sorted(project.root.rglob("*"))
    asked = wanted(project, "import rich")
    with pytest.raises(UserError, match=r"The job would not be sound, and nothing is written: .*nonsense"):
        converting.convert(project, asked)
    assert sorted({*project.root.rglob("*")} - {asked.notebook}) == before


def test_nothing_is_left_where_the_disk_is_full(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before, write = sorted(project.root.rglob("*")), Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if path.suffix == ".toml":
            raise OSError(28, "No space left on device")
        return write(path, content)

    asked = wanted(project, "import rich")
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        converting.convert(project, asked)
    assert sorted({*project.root.rglob("*")} - {asked.notebook}) == before


def test_the_command_says_what_it_did_and_what_is_left(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.root)
    book.write(project.root / "train.ipynb", ["%matplotlib inline", "open('data/x').read()"])
    (project.root / "data").mkdir()
    (project.root / "data/x").write_text("1")
    done = CliRunner().invoke(app, ["notebook", "convert", "train.ipynb", "--name", "churn"])
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[:2] == ["code/churn/train.py", "jobs/churn.toml"]
    assert "yard data put data --job churn --channel data" in done.output
    assert tomllib.loads((project.root / "jobs/churn.toml").read_text())["channels"] == {"data": {"s3": "churn/data/"}}


def test_the_command_gives_refusals_to_programs(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.root)
    book.write(project.root / "train.ipynb", ["x = 1", "\nprint(y)"])
    done = CliRunner().invoke(app, ["notebook", "convert", "train.ipynb", "--name", "churn", "--json"])
    assert isinstance(done.exception, NotConvertedError)
    (refusal,) = json.loads(done.stdout)["refused"]
    assert (refusal["cell"], refusal["line"]) == (2, 2) and refusal["says"].startswith("y is bound by no cell")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--keep", "out"], "--keep 'out' has no name and value"),
        (["--keep", "out=bucket"], "--keep knows no 'bucket'"),
        (["--channel", "=x"], "--channel '=x' has no name and value"),
        (["--require", "pandas>=2"], "--require pandas>=2 names no exact version"),
    ],
)
def test_an_option_that_is_not_understood_is_said(
    project: Project, monkeypatch: pytest.MonkeyPatch, words: list[str], says: str
) -> None:
    monkeypatch.chdir(project.root)
    book.write(project.root / "train.ipynb", ["x = 1"])
    done = CliRunner().invoke(app, ["notebook", "convert", "train.ipynb", "--name", "churn", *words])
    assert isinstance(done.exception, UserError) and says in done.exception.happened
