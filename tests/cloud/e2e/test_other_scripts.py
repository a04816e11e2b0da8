"""Scripts as other people write them: their arguments, their packages and their numbers, from launch to comparison."""

import math
import subprocess
from typing import Any

import pytest

from tests.support.cloud.own_project import OwnProject
from tests.support.training.wheels import tiny_wheel
from yard.runs.comparison import Curve, differing, read_curve

pytestmark = pytest.mark.e2e

JOB = "styles"
_DEFINITION = """\
description = "A script that was written for elsewhere"
stack = "experiments"

[image]
folder = "pytorch"

[source]
dir = "code"

[program]
entry = "train.py"
launcher = "plain"
arguments = ["plain", "--steps=3", "--verbose", "--sizes", "1", "2"]

[compute]
instance_type = "ml.m5.xlarge"
count = 1
volume = "5GB"

[limits]
max_runtime = "1h"

[hyperparameters]
lr = 0.1

[[metrics]]
name = "loss"
regex = 'perceptual=([0-9.]+)'

[cost]
cap_usd = 5
"""
_SCRIPT = """\
import argparse
import json
import os

import tiny_sum

parser = argparse.ArgumentParser()
parser.add_argument("style")
parser.add_argument("--steps", type=int)
parser.add_argument("--verbose", action="store_true")
parser.add_argument("--sizes", nargs="+", type=int)
parser.add_argument("--lr", type=float)
given = parser.parse_args()
print("given", json.dumps(vars(given)), "threads", os.environ["OMP_NUM_THREADS"], "sum", tiny_sum.total(1, 2))
for step in range(1, given.steps + 1):
    loss, epoch = 1 / step, step / 2
    if given.style == "plain":
        print(f"Step {step}/{given.steps}, perceptual={loss}")
    elif given.style == "nanogpt":
        print(f"iter {step}: loss {loss:.4f}, time 12.34ms, mfu 1.25%")
    elif given.style == "trainer":
        print({"loss": loss, "grad_norm": 1.5, "learning_rate": 5e-05, "epoch": epoch})
    elif given.style == "keras":
        print(f"{step}/{given.steps} ━━━━━━━━ 0s 4ms/step - accuracy: 0.5000 - loss: {loss:.4f} - val_loss: 0.4")
    elif given.style == "lightning":
        bar = f"Epoch 0:  50%|█████     | {step}/{given.steps} [00:00<00:00, 10.12it/s, v_num=0, train_loss={loss:.3f}]"
        print(bar, end="\\r")
    elif given.style == "json":
        print(json.dumps({"step": step, "loss": loss}))
    elif given.style == "nan":
        print(f"metric step={step} loss={loss if step < 2 else float('nan')}")
if given.style == "nan":
    open(os.path.join(os.environ["SM_MODEL_DIR"], "m"), "w").write("x")
"""


@pytest.fixture(scope="module")
def project(research: OwnProject) -> OwnProject:
    """The project with the script of somebody else's, and a package that only the script needs."""
    code = research.root / "code"
    code.mkdir()
    (code / "train.py").write_text(_SCRIPT)
    (code / "tiny_sum-1.0-py3-none-any.whl").write_bytes(
        tiny_wheel("tiny_sum", "def total(*numbers):\n    return sum(numbers)\n")
    )
    (code / "requirements.txt").write_text("./tiny_sum-1.0-py3-none-any.whl\n")
    definition = _DEFINITION.partition("[[metrics]]")
    (research.root / "jobs" / f"{JOB}.toml").write_text(definition[0] + "[cost]\ncap_usd = 5\n")
    (research.root / "jobs" / f"{JOB}-own.toml").write_text(_DEFINITION)
    research.deployed()
    return research


def curve(project: OwnProject, job: str = JOB, **launch: Any) -> Curve:
    return read_curve(project.aws, project.succeed(job, launch))


@pytest.mark.parametrize("style", ["nanogpt", "trainer", "keras", "lightning", "json"])
def test_the_loss_of_every_style_is_found_everywhere(project: OwnProject, style: str) -> None:
    run = project.succeed(JOB, {"arguments": [style, "--steps=3"]})
    found = read_curve(project.aws, run)
    assert found.last("loss") == pytest.approx(1 / 3, abs=1e-3)
    assert project.receipt(run)["metrics"]["loss"] == pytest.approx(1 / 3, abs=1e-3)
    assert found.points[-1].step == 3


def test_a_jobs_own_metric_of_a_standard_name_takes_its_place(project: OwnProject) -> None:
    found = curve(project, f"{JOB}-own")
    assert [point.metrics["loss"] for point in found.points] == pytest.approx([1, 1 / 2, 1 / 3])


def test_flags_lists_positions_and_packages_arrive(project: OwnProject) -> None:
    run = project.succeed(JOB, {})
    said = next(line.text for line in project.lines(run) if "given" in line.text)
    assert '{"style": "plain", "steps": 3, "verbose": true, "sizes": [1, 2], "lr": 0.1}' in said
    assert said.endswith("sum 3")
    assert project.receipt(run)["settings"]["arguments"] == ["plain", "--steps=3", "--verbose", "--sizes", "1", "2"]


def test_a_comparison_names_the_argument_and_the_variable_that_differ(project: OwnProject) -> None:
    one = curve(project, arguments=["json", "--steps=2"])
    two = curve(project, arguments=["json", "--steps=3"], environment={"OMP_NUM_THREADS": "1"})
    assert dict(differing([one, two])) == {"--steps": ["2", "3"], "environment.OMP_NUM_THREADS": [None, "1"]}


def test_a_loss_that_became_nan_is_told(project: OwnProject) -> None:
    run = project.succeed(JOB, {"arguments": ["nan", "--steps=4"]})
    last = read_curve(project.aws, run).last("loss")
    assert last is not None and math.isnan(last)
    assert project.receipt(run)["metrics"]["not_finite_step"] == 4


def test_a_package_that_does_not_exist_is_the_reason_in_one_sentence(project: OwnProject) -> None:
    from yard.sources import upload_source

    listed = project.root / "code/requirements.txt"
    before = listed.read_text()
    try:
        listed.write_text("./no-such-1.0-py3-none-any.whl\n")
        ended = project.run(JOB, {"source_sha256": upload_source(project.aws, project.aws.project.job(JOB))})
    finally:
        listed.write_text(before)
    assert ended.status == "FAILED"
    assert "requirements.txt of the code cannot be installed: " in ended.cause
    assert "no-such-1.0-py3-none-any.whl" in ended.cause
    assert "Traceback" not in ended.cause


def test_the_command_launches_with_an_argument_set(project: OwnProject) -> None:
    done = subprocess.run(
        ["yard", "train", JOB, "--set=--steps=5", "--dry-run"],
        cwd=project.root,
        env=project.cloud.env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "train.py plain --steps=5 --verbose --sizes 1 2" in done.stdout
    assert "code: 3 files" in done.stdout
