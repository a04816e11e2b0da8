"""SageMaker or EC2: the arithmetic, the reasons, and a template whose start script runs, with pretended tools."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from shardyard.spec.catalogue.prices import hourly_usd
from tests.support.spec.spec_tables import parse
from tests.support.spec.tuning_rule_cases import search
from yard import commands
from yard.ec2 import advice, template
from yard.errors import UserError
from yard.main import app
from yard.project import Project, find_project

commands.register(app)
TOOLS = Path(sys.executable).parent
JOB: dict[str, Any] = {
    "image": {"folder": "pytorch"},
    "source": {"dir": "code"},
    "program": {"entry": "train.py", "launcher": "torchrun", "arguments": ["a b"]},
    "compute": {"instance_type": "ml.g5.xlarge", "count": 1, "volume": "30GB"},
    "limits": {"max_runtime": "2h"},
    "hyperparameters": {"lr": 0.1},
    "environment": {"WORD": "it's"},
    "channels": {"train": {"s3": "x/train/"}, "whole": {"s3": "s3://other-bucket/y/"}},
}
TOML = """
[image]
folder = "pytorch"
[source]
dir = "code"
[program]
entry = "train.py"
[compute]
instance_type = "ml.g5.xlarge"
[limits]
max_runtime = "2h"
"""


def spec(**tables: Any) -> Any:
    return parse({**JOB, **tables}, "churn")


def where(hours: float = 2, region: str = "us-east-1", minutes: float = 10, **tables: Any) -> advice.Where:
    return advice.advise(spec(**tables), hours=hours, overhead_minutes=minutes, region=region)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for folder in ("jobs", "code", "containers/pytorch"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "cdk.json").write_text('{"context": {"project": "vision", "stage": "dev"}}')
    (tmp_path / "code/train.py").write_text("print(1)\n")
    (tmp_path / "containers/pytorch/Dockerfile").write_text("FROM x\n")
    (tmp_path / "jobs/churn.toml").write_text(TOML)
    return find_project(tmp_path)


def test_one_gpu_for_two_hours_is_cheaper_on_ec2_and_the_sum_is_shown() -> None:
    found = where()
    ec2, ours = advice.prices()["hourly_usd"]["g5.xlarge"], hourly_usd("ml.g5.xlarge", "us-east-1")
    assert ours is not None and found.place == "EC2"
    usd = ours.hourly_usd
    assert found.lines[0] == f"SageMaker: 1 x ml.g5.xlarge x 2 h x {usd:g} USD = {2 * usd:.2f} USD"
    assert found.lines[1].startswith(f"EC2: 1 x g5.xlarge x (2 h + 10 min) x {ec2:g} USD = {ec2 * (2 + 1 / 6):.2f} USD")
    assert found.sagemaker_usd == pytest.approx(2 * usd), "the disk of a g5 is its own"
    assert found.ec2_usd == pytest.approx((2 + 1 / 6) * (ec2 + 100 * 0.08 / 730))


def test_a_short_run_is_not_worth_it() -> None:
    assert where(hours=0.1).place == "SageMaker", "ten minutes of boot for six of work"
    assert where(hours=0.1, minutes=0).place == "EC2"


@pytest.mark.parametrize(
    ("tables", "why"),
    [
        ({"compute": {"instance_type": "ml.g5.xlarge", "count": 2}}, "2 instances that find each other"),
        ({"compute": {"instance_type": "ml.m5.xlarge", "count": 1}}, "is for NVIDIA GPUs"),
        ({"spot": {"enabled": True}}, "spot with a restart"),
        ({"secrets": {"KEY": "secret:a"}}, "[secrets]"),
        ({"image": {"framework": "pytorch", "version": "2.13"}}, "an image of AWS"),
        ({"image": {"builtin": "xgboost"}}, "an algorithm, or an image of AWS"),
        ({**search(), "hyperparameters": {}}, "a search for hyperparameters"),
    ],
)
def test_what_only_sagemaker_does_decides(tables: dict[str, Any], why: str) -> None:
    found = where(**tables)
    assert found.place == "SageMaker"
    assert any(line.startswith("only SageMaker does") and why in line for line in found.lines)


def test_a_price_that_is_not_known_is_said() -> None:
    assert where(region="eu-west-1").place == "unknown"
    assert "no price of both is known for ml.g5.xlarge in eu-west-1" in where(region="eu-west-1").lines[-1]


def test_the_prices_have_a_date_a_source_and_a_price_of_sagemaker_beside_each() -> None:
    data = advice.prices()
    assert data["date"] and data["source"] and data["gp3_source"]
    both = {kind: (usd, hourly_usd(f"ml.{kind}", data["region"])) for kind, usd in data["hourly_usd"].items()}
    assert len(both) > 20
    assert [kind for kind, (usd, ours) in both.items() if ours is None or not usd <= ours.hourly_usd <= usd * 1.5] == []


@pytest.mark.slow
def test_the_template_is_one_that_cloudformation_takes(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "churn.template.json"
    path.write_text(json.dumps(template.build(project, spec())))
    done = subprocess.run([TOOLS / "cfn-lint", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def script(project: Project, tmp_path: Path) -> str:
    built: list[str] = []
    real = template.script
    with pytest.MonkeyPatch.context() as patch:
        options = {"ml": str(tmp_path / "ml"), "shutdown": f"touch {tmp_path}/off"}
        patch.setattr(template, "script", lambda job, request: built.append(real(job, request, **options)) or built[0])
        template.build(project, spec())
    values = {"ArtifactBucket": "artifacts", "DataBucket": "data", "ImageUri": "1.dkr/x:y", "AWS::Region": "us-east-1"}
    for name, value in values.items():
        built[0] = built[0].replace(f"${{{name}}}", value)
    assert "${" not in built[0], "CloudFormation would take it for a parameter"
    return built[0]


def test_the_start_script_brings_all_runs_the_container_and_keeps_the_results(project: Project, tmp_path: Path) -> None:
    tools, calls, ml = tmp_path / "tools", tmp_path / "calls", tmp_path / "ml"
    tools.mkdir()
    (tools / "aws").write_text(f'#!/bin/sh\necho "aws $*" >> {calls}\n')
    work = f"echo model > {ml}/model/m; echo why > {ml}/output/failure; exit 7"
    (tools / "docker").write_text(f'#!/bin/sh\necho "docker $*" >> {calls}\n[ "$1" != run ] || {{ {work}; }}\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    (tmp_path / "start.sh").write_text(script(project, tmp_path).replace("sleep 7200", "sleep 1000 & wait; exit"))
    env = {"PATH": f"{tools}:{os.environ['PATH']}"}
    started = subprocess.Popen(
        ["bash", tmp_path / "start.sh"], env=env, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert started.wait(timeout=60) == 7
    os.killpg(started.pid, 15)
    said = calls.read_text().splitlines()
    key = template.code_bundle(project, spec())
    assert key is not None
    # the two of a pipe start at once
    assert [*said[:3], *sorted(said[3:5]), said[5]] == [
        f"aws s3 sync --only-show-errors s3://data/x/train/ {ml}/input/data/train/",
        f"aws s3 sync --only-show-errors s3://other-bucket/y/ {ml}/input/data/whole/",
        f"aws s3 cp --only-show-errors s3://artifacts/{key[0]} {ml}/input/data/code/",
        "aws ecr get-login-password --region us-east-1",
        "docker login --username AWS --password-stdin 1.dkr",
        "docker pull --quiet 1.dkr/x:y",
    ]
    assert said[6].startswith("docker run --rm --gpus all") and said[6].endswith(f"{ml}:/opt/ml 1.dkr/x:y train")
    assert [line.split()[-1] for line in said[7:]] == [
        "s3://artifacts/runs/ec2-churn/model.tar.gz",
        "s3://artifacts/runs/ec2-churn/failure",
        "s3://artifacts/runs/ec2-churn/log",
    ]
    assert (tmp_path / "off").exists()
    assert json.loads((ml / "input/config/hyperparameters.json").read_text()) == {"lr": "0.1"}
    assert json.loads((ml / "input/config/inputdataconfig.json").read_text()).keys() == {"train", "whole", "code"}
    variables = dict(line.split("=", 1) for line in (ml / "environment").read_text().splitlines())
    assert variables["SHARDYARD_ENTRY"] == "train.py" and variables["WORD"] == "it's"
    assert variables["SHARDYARD_SOURCE_SHA256"] in key[0]


def test_the_start_script_is_clean_shell(project: Project, tmp_path: Path) -> None:
    (tmp_path / "start.sh").write_text(script(project, tmp_path))
    done = subprocess.run([TOOLS / "shellcheck", tmp_path / "start.sh"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_a_job_with_too_much_for_a_start_script_is_told(project: Project) -> None:
    many = {f"name{number}": "x" * 200 for number in range(90)}
    with pytest.raises(UserError, match=r"The start script has .* bytes, and EC2 takes 16,384"):
        template.build(project, spec(hyperparameters=many))


def test_the_command_writes_the_template_where_ec2_wins(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.root)
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    done = CliRunner().invoke(app, ["advise", "--where", "churn", "--template", "ec2"])
    assert done.exit_code == 0, done.output
    assert "churn: EC2" in done.stdout
    built = json.loads((project.root / "ec2/churn.template.json").read_text())
    assert built["Resources"]["LaunchTemplate"]["Properties"]["LaunchTemplateData"]["InstanceType"] == "g5.xlarge"
    assert [path.suffix for path in (project.root / "ec2/source").iterdir()] == [".zip"]
    short = CliRunner().invoke(app, ["advise", "--where", "churn", "--hours", "0.05", "--template", "no"])
    assert isinstance(short.exception, UserError) and not (project.root / "no").exists()
    neither = CliRunner().invoke(app, ["advise", "--params", "7B"])
    assert isinstance(neither.exception, UserError) and "or --where JOB" in neither.exception.happened
