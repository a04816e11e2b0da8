"""A job file from a script: what its source says, and what is left to do, by line."""

import tomllib
from pathlib import Path

import pytest

from tests.support.spec.spec_tables import parse
from yard.errors import UserError
from yard.project import Project, find_project
from yard.starter.script import options
from yard.starter.script.job_file import begin_job
from yard.starter.script.reading import read

ARGPARSE = """
import argparse
import os

import cv2
import torch
from helpers import load

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("-b", "--batch-size", type=int, required=True)
parser.add_argument("--amp", action="store_true")
parser.add_argument("--sizes", nargs="+", type=int)
parser.add_argument("config")
parser.add_argument("--train", default=os.environ["SM_CHANNEL_TRAIN"])
torch.distributed.init_process_group("nccl")
torch.cuda.set_device(0)
data = datasets.MNIST("../data", download=True)
torch.save(model, "model.pt")
"""
CLICK = """
import click
@click.command()
@click.option("--lr", default=0.1)
@click.option("--fast/--slow", is_flag=True)
@click.argument("data")
def main(lr, fast, data): ...
"""
TYPER = """
import typer
def main(
    data: str = typer.Argument(...),
    learning_rate: float = typer.Option(0.1),
    fast: bool = typer.Option(False),
): ...
"""
HUGGING_FACE = """
from dataclasses import dataclass, field
from transformers import HfArgumentParser, TrainingArguments
@dataclass
class ModelArguments:
    model_name: str
    dropout: float = field(default=0.1, metadata={"help": "x"})
@dataclass
class Other:
    hidden: int = 1
parser = HfArgumentParser((ModelArguments, TrainingArguments))
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for folder in ("jobs", "code", "containers/pytorch"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "cdk.json").write_text('{"context": {"project": "vision", "stage": "dev"}}')
    (tmp_path / "containers/pytorch/Dockerfile").write_text("FROM x\n")
    (tmp_path / "containers/pytorch/requirements.txt").write_text("torch==2.13.0\n")
    return find_project(tmp_path)


def script(project: Project, source: str, name: str = "code/train.py") -> Path:
    path = project.root / name
    path.write_text(source)
    return path


def found(project: Project, source: str) -> list[tuple[str, str, object, bool]]:
    import ast

    return [(one.name, one.kind, one.default, one.required) for one in options.find(ast.parse(source))]


def test_argparse_is_read(project: Project) -> None:
    assert found(project, ARGPARSE) == [
        ("--lr", "value", 0.1, False),
        ("--batch-size", "value", None, True),
        ("--amp", "flag", None, False),
        ("--sizes", "list", None, False),
        ("config", "position", None, True),
        ("--train", "value", None, False),
    ]


def test_click_typer_and_dataclasses_are_read(project: Project) -> None:
    assert found(project, CLICK) == [
        ("--lr", "value", 0.1, False),
        ("--fast", "flag", None, False),
        ("data", "position", None, True),
    ]
    assert found(project, TYPER) == [
        ("data", "position", None, True),
        ("--learning-rate", "value", 0.1, False),
        ("--fast", "flag", False, False),
    ]
    assert found(project, HUGGING_FACE) == [("--model_name", "value", None, True), ("--dropout", "value", 0.1, False)]


def test_typer_is_read_in_its_newer_ways_too(project: Project) -> None:
    annotated = """
import typer
from typing import Annotated
app = typer.Typer()
@app.command()
def main(
    ctx: typer.Context,
    data: Annotated[str, typer.Argument()],
    lr: Annotated[float, typer.Option(help="x")] = 0.1,
    fast: Annotated[bool, typer.Option("--fast/--slow")] = False,
    name: Annotated[str, typer.Option()] = "x",
    hidden: int = 64,
): ...
def helper(x: int = 1): ...
"""
    expected = [
        ("data", "position", None, True),
        ("--lr", "value", 0.1, False),
        ("--fast", "flag", False, False),
        ("--name", "value", "x", False),
        ("--hidden", "value", 64, False),
    ]
    assert found(project, annotated) == expected
    plain = "import typer\ndef main(data: str, hidden_size: int = 64, sizes: list[int] = []): ...\ntyper.run(main)\n"
    assert found(project, plain) == [
        ("data", "position", None, True),
        ("--hidden-size", "value", 64, False),
        ("--sizes", "list", [], False),
    ]
    assert found(project, "def main(data: str, hidden: int = 64): ...\nmain(1)\n") == [], "no typer"


def test_what_an_option_takes_and_has_is_said(project: Project) -> None:
    source = """
import argparse, click, os
p = argparse.ArgumentParser()
p.add_argument("--precision", choices=["no", "fp16"], default="no")
p.add_argument("--resume", type=str, default=None)
p.add_argument("--data", default=os.environ.get("DATA"))
@click.option("--plan", type=click.Choice(["ddp", "fsdp"]), default="ddp")
def main(plan): ...
"""
    text = begin_job(project, "options", script(project, source))[0].read_text()
    for said in (
        '# precision = "no"  # line 4: no or fp16',
        "# resume =   # line 5: str, none unless it is given",
        "# data =   # line 6: its default is only known when it runs",
        '# plan = "ddp"  # line 7: ddp or fsdp',
    ):
        assert said in text


def test_results_beside_the_code_are_lost_and_it_says_how_to_keep_them(project: Project) -> None:
    source = """
import argparse, os
from pathlib import Path
p = argparse.ArgumentParser()
p.add_argument("--output_dir", default="outputs")
p.add_argument("--ckpt-dir", default="./ckpt")
p.add_argument("--log_dir", default="logs")
p.add_argument("--model_dir", default="facebook/opt-125m")
p.add_argument("--save_dir", default="/opt/ml/model")
p.add_argument("--output_format", default="csv")
args = p.parse_args()
os.makedirs("runs/a", exist_ok=True)
os.makedirs(args.output_dir)
Path("plots").mkdir()
Path("/tmp/x").mkdir()
"""
    _, to_do = begin_job(project, "places", script(project, source))
    lost = "beside the code, which is lost with the node"
    assert to_do == [
        f"line 5: --output_dir is 'outputs' {lost}: output_dir = \"/opt/ml/model\" in [hyperparameters]",
        f"line 6: --ckpt-dir is './ckpt' {lost}: ckpt-dir = \"/opt/ml/checkpoints\" in [hyperparameters], "
        "with [checkpoints] enabled = true",
        f"line 7: --log_dir is 'logs' {lost}: log_dir = \"/opt/ml/output/data\" in [hyperparameters]",
        f"line 12: 'runs/a' is made {lost}: below os.environ[\"SM_OUTPUT_DATA_DIR\"] it is kept",
        f"line 14: 'plots' is made {lost}: below os.environ[\"SM_OUTPUT_DATA_DIR\"] it is kept",
    ]


def test_options_of_somebody_elses_dataclass_are_pointed_to(project: Project) -> None:
    _, to_do = begin_job(project, "hf", script(project, HUGGING_FACE))
    assert (
        "line 11: the fields of TrainingArguments are options too, which [hyperparameters] can name: "
        'output_dir = "/opt/ml/model" keeps the model'
    ) in to_do
    assert not any("ModelArguments" in said for said in to_do)


def test_the_job_file_is_one_and_says_what_it_rests_on(project: Project) -> None:
    script(project, "", "code/helpers.py")
    path, _ = begin_job(project, "digits", script(project, ARGPARSE))
    text = path.read_text()
    spec = parse(tomllib.loads(text), "digits")
    assert (spec.source.dir, spec.program.entry, spec.program.launcher) == ("code", "train.py", "torchrun")
    assert (spec.image.folder, spec.compute.instance_type) == ("pytorch", "ml.g5.xlarge")
    assert list(spec.channels) == ["train"]
    assert spec.hyperparameters == {}, "its own defaults hold until somebody says otherwise"
    for said in (
        "# lr = 0.1  # line 10: float",
        "# batch-size =   # line 11: int, required",
        "--amp (flag, line 12)",
        "--sizes (list, line 13: int)",
        "# train =   # line 15: its default is only known when it runs",
    ):
        assert said in text
    assert "line 16: it is a rank of a group" in text
    assert project.job("digits") == spec


def test_what_is_left_to_do_is_said_by_line(project: Project) -> None:
    script(project, "", "code/helpers.py")
    _, to_do = begin_job(project, "digits", script(project, ARGPARSE))
    assert to_do == [
        "line 11: --batch-size is required: give it in [hyperparameters] of jobs/digits.toml",
        "line 14: config is required: give it in program.arguments of jobs/digits.toml",
        'line 16: "nccl" needs GPUs: "gloo" where torch.cuda.is_available() is false',
        "line 17: set_device needs a GPU: only if torch.cuda.is_available()",
        "line 18: it downloads, and nodes in the project's network have no way out: put the data into a channel, "
        "or set network.vpc = false",
        'line 19: only what is under os.environ["SM_MODEL_DIR"] is kept as the model',
        "its image does not list opencv-python-headless: name them in code/requirements.txt",
        "its channel 'train' is empty: yard data put FOLDER --job digits --channel train",
    ]


@pytest.mark.parametrize(
    "read_as", ['os.environ["SM_HOSTS"]', 'os.environ.get("SM_HOSTS", "[]")', 'os.getenv("SM_HOSTS")']
)
def test_the_letters_of_a_list_are_no_number_of_hosts(project: Project, read_as: str) -> None:
    _, to_do = begin_job(project, "letters", script(project, f"import os\nnodes = len({read_as})\n"))
    assert to_do == [
        'line 2: SM_HOSTS is a list as a text, and len counts its letters: len(json.loads(os.environ["SM_HOSTS"]))'
    ]
    right = f"import json, os\nnodes = len(json.loads({read_as})) + len(os.environ['SM_HOST'])\n"
    assert begin_job(project, "hosts", script(project, right))[1] == []


def test_a_script_that_asks_for_nothing_gets_a_small_file(project: Project) -> None:
    path, to_do = begin_job(project, "plain", script(project, "print('loss: 0.1')\n", "train.py"))
    spec = parse(tomllib.loads(path.read_text()), "plain")
    assert (spec.source.dir, spec.program.launcher, spec.compute.instance_type) == (".", "plain", "ml.m5.xlarge")
    assert to_do == []


def test_documentation_is_no_code(project: Project) -> None:
    assert read(script(project, '"""SM_CHANNEL_TRAIN and nccl."""\n')).channels == ()


def test_what_cannot_be_read_is_said(project: Project, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"train.py is no Python: .* \(line 1\)"):
        begin_job(project, "broken", script(project, "def f(:\n"))
    with pytest.raises(UserError, match="is no file of the project"):
        begin_job(project, "none", project.root / "none.py")
    script(project, "pass")
    (project.root / "jobs/there.toml").write_text("")
    with pytest.raises(UserError, match="is there already"):
        begin_job(project, "there", project.root / "code/train.py")


def test_the_name_is_one_that_a_job_may_have(project: Project) -> None:
    with pytest.raises(UserError, match="'My Job' is no name for a job"):
        begin_job(project, "My Job", script(project, "pass"))


def test_a_trainer_of_the_scripts_own_makes_no_group_of_ranks(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text("class Trainer: ...\nTrainer().fit()\n")
    assert read(script).ranks is None
    script.write_text("from lightning import Trainer\nTrainer().fit()\n")
    assert read(script).ranks == 2


def test_an_option_that_a_variable_gives_is_not_required(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    lines = [
        "import click",
        "@click.option('--out', envvar='SM_MODEL_DIR', required=True)",
        "@click.option('--lr', required=True)",
    ]
    script.write_text("\n".join([*lines, "def main(out, lr): ...", ""]))
    assert {one.name: one.required for one in read(script).options} == {"--out": False, "--lr": True}


TENSORFLOW = """import argparse
import os
import tensorflow as tf
parser = argparse.ArgumentParser()
parser.add_argument("--model_dir", type=str, required=True)
parser.add_argument("--epochs", type=int, default=2)
args = parser.parse_args()
strategy = tf.distribute.MultiWorkerMirroredStrategy()
with strategy.scope():
    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model.compile("sgd", "mse")
model.fit(data, epochs=args.epochs)
model.save(os.path.join(os.environ["SM_MODEL_DIR"], "m.keras"))
"""


def test_a_tensorflow_script_gets_its_image_its_launcher_and_its_model_dir(project: Project) -> None:
    path, to_do = begin_job(project, "older", script(project, TENSORFLOW))
    spec = parse(tomllib.loads(path.read_text()), "older")
    assert spec.program is not None and spec.program.launcher == "tensorflow"
    assert (spec.image.framework, spec.image.version) == ("tensorflow", "2.21")
    assert spec.hyperparameters == {"model_dir": "/opt/ml/model"}
    assert "# line 8: it is a task of a cluster" in path.read_text()
    assert to_do == [
        "line 12: Keras 3's fit works with one worker: a loop of your own, or tf_keras "
        '(TF_USE_LEGACY_KERAS = "1" in [environment])'
    ]


def test_a_tensorflow_script_for_one_machine_is_plain_and_takes_the_projects_image(project: Project) -> None:
    (project.root / "containers/tensorflow").mkdir(parents=True)
    (project.root / "containers/tensorflow/Dockerfile").write_text("FROM scratch\n")
    (project.root / "containers/tensorflow/requirements.txt").write_text("tensorflow-cpu==2.21.0\n")
    path, to_do = begin_job(project, "alone", script(project, "import keras\nimport tensorflow\nmodel.fit(x, y)\n"))
    spec = parse(tomllib.loads(path.read_text()), "alone")
    assert spec.program is not None and spec.program.launcher == "plain"
    assert spec.image.folder == "tensorflow"
    assert to_do == []
