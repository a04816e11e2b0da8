"""A job's script as a notebook: its cells run as the script does, and become a job again."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from tests.support.notebooks import book
from yard import commands
from yard.errors import UserError
from yard.main import app
from yard.notebooks import converting, opening
from yard.notebooks.converting import Wanted
from yard.project import Project

commands.register(app)

SCRIPT = '''"""A script of somebody's."""
import argparse
import os

# comments belong to what follows
@property
def decorated(self):
    return 1


class Model:
    lr = 1


parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int)
parser.add_argument("words", nargs="*")
given = parser.parse_args()
if __name__ == "__main__":
    print(given.epochs + 1, given.words, os.path.basename(__file__), os.path.isdir(os.environ["SM_CHANNEL_TRAIN"]))
'''
JOB = """
[image]
framework = "pytorch"
version = "2.13"
[source]
dir = "code"
[program]
entry = "train.py"
arguments = ["a b"]
launcher = "torchrun"
[compute]
instance_type = "ml.m5.xlarge"
[hyperparameters]
epochs = 4
[channels.train]
s3 = "x/"
[environment]
WORD = "it's"
"""


@pytest.fixture
def foreign(project: Project) -> Project:
    (project.root / "code").mkdir()
    (project.root / "code/train.py").write_text(SCRIPT)
    (project.root / "jobs/foreign.toml").write_text(JOB)
    return project


def run(path: Path) -> str:
    """What its code cells print, in a process whose folder is the notebook's."""
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    kept = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-"], input="\n".join(cells), cwd=path.parent, env=kept, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_script_of_anybodys_runs_as_its_job_does(foreign: Project) -> None:
    path = opening.open_job(foreign, "foreign", None)
    assert path == foreign.root / "notebooks/foreign.ipynb"
    nbformat.validate(nbformat.read(path, as_version=4))
    assert run(path) == "5 ['a b'] train.py True\n"


def test_it_is_cut_where_its_parts_begin(foreign: Project) -> None:
    cells = nbformat.read(opening.open_job(foreign, "foreign", None), as_version=4).cells
    assert [cell.source.split("\n")[0] for cell in cells[2:]] == [
        '"""A script of somebody\'s."""',
        "# comments belong to what follows",
        "class Model:",
        "parser = argparse.ArgumentParser()",
    ]
    assert "os.environ.setdefault('WORD', \"it's\")" in cells[1].source
    assert cells[1].metadata.tags == ["skip"]


def test_a_converted_notebook_comes_back_with_the_jobs_values_and_becomes_the_same_job(project: Project) -> None:
    cells = [
        ("markdown", "# Two\nlines"),
        ("parameters", "epochs = 3  # 100% of them\ndata = 'data'\nsizes = [1]"),
        "print(epochs, open(data + '/x').read())\nepochs",
    ]
    (project.root / "notebooks/data").mkdir()
    (project.root / "notebooks/data/x").write_text("seen")
    first = book.write(project.root / "notebooks/train.ipynb", cells)
    converting.convert(project, Wanted(notebook=first, name="churn"))
    job = project.root / "jobs/churn.toml"
    job.write_text(job.read_text().replace("epochs = 3", "epochs = 8"))
    opened = opening.open_job(project, "churn", None)
    (project.root / "notebooks/data/data").mkdir()
    (project.root / "notebooks/data/data/x").write_text("here")
    assert run(opened) == "8 here\n8\n"
    sources = [cell.source for cell in nbformat.read(opened, as_version=4).cells]
    assert "# Two\nlines" in sources
    assert "epochs = 8  # 100% of them\ndata = CHANNEL_DATA\nsizes = [1]" in sources
    converting.convert(project, Wanted(notebook=opened, name="again"))
    again = project.job("again")
    assert again.hyperparameters == {"epochs": 8} and set(again.channels) == {"data"}


def test_what_cannot_be_opened_is_said(foreign: Project) -> None:
    with pytest.raises(UserError, match="no job 'forein'"):
        opening.open_job(foreign, "forein", None)
    opening.open_job(foreign, "foreign", None)
    with pytest.raises(UserError, match="is there already"):
        opening.open_job(foreign, "foreign", None)
    job = foreign.root / "jobs/foreign.toml"
    job.write_text(JOB.replace('"train.py"', '"somebody.elses"'))
    with pytest.raises(UserError, match="is in its image alone"):
        opening.open_job(foreign, "foreign", Path("other.ipynb"))


def test_the_command_opens_a_program_of_ours_too(foreign: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(foreign.root)
    ours = JOB.replace('"train.py"', '"training.pytorch.programs.mnist"').replace('[source]\ndir = "code"\n', "")
    (foreign.root / "jobs/ours.toml").write_text(ours)
    done = CliRunner().invoke(app, ["notebook", "open", "ours", "--json"])
    assert done.exit_code == 0, done.output
    assert any("class Net" in cell.source for cell in nbformat.read("notebooks/ours.ipynb", as_version=4).cells)
