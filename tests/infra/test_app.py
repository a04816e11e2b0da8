"""app.py as a person runs it: from anywhere, with bad input, without cdk.json."""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from stacks.build import ROOT

NEEDED = ("app.py", "stacks", "constructs", "containers", "contract", "endpoints", "jobs", "serving", "training")


def run_app(folder: Path, out: Path, context: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """Run `python app.py` with no credentials and no variables but those that the CDK command would set."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
        "CDK_OUTDIR": str(out),
    }
    if context is not None:
        environment["CDK_CONTEXT_JSON"] = json.dumps(context)
    command = [sys.executable, "app.py"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("context", "lines"),
    [
        ({"stage": "prod2"}, ["stage: 'prod2' is not allowed (one of dev, staging, prod)"]),
        (
            {"budget.monthly_usd": "-5", "network.zones": "0", "nottebooks.enabled": "true"},
            [
                "nottebooks: unknown key; did you mean 'notebooks'?",
                "network.zones: 0 is not allowed (1 to 3)",
                "budget.monthly_usd: -5 is not allowed (1 to 100000)",
            ],
        ),
    ],
)
def test_bad_input_is_said_in_clear_lines_and_nothing_is_written(
    tmp_path: Path, context: dict[str, str], lines: list[str]
) -> None:
    result = run_app(ROOT, tmp_path / "out", context)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.splitlines() == lines
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


def test_a_copy_elsewhere_without_cdk_json_writes_the_same(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in NEEDED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    for folder, out in ((ROOT, tmp_path / "here"), (copy, tmp_path / "there")):
        result = run_app(folder, out)
        assert result.returncode == 0, result.stderr
    here, there = (
        {path.name: path.read_bytes() for path in out.iterdir() if path.suffix in (".json", ".zip")}
        for out in (tmp_path / "here", tmp_path / "there")
    )
    templates = {name for name in here if name.endswith(".template.json")}
    assert len(templates) >= 5
    assert {name for name in here if name.startswith("asset.")} == {name for name in there if name.startswith("asset.")}
    for name in templates:
        assert here[name] == there[name], f"{name} differs from path to path"


def test_a_bad_job_file_is_said_and_nothing_is_written(tmp_path: Path) -> None:
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as jobs:
        Path(jobs, "bad.toml").write_text("[compute]\ncount = 0\n")
        result = run_app(ROOT, tmp_path / "out", {"training.jobs": os.path.relpath(jobs, ROOT)})
    assert result.returncode == 1
    assert any("compute.count: 0 is not allowed" in line for line in result.stderr.splitlines())
    assert "Traceback" not in result.stderr
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("folder", ["/etc", "../.."])
def test_a_folder_of_jobs_outside_of_the_project_is_one_line(tmp_path: Path, folder: str) -> None:
    result = run_app(ROOT, tmp_path / "out", {"training.jobs": folder})
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("training.jobs: ") and "is not in the project's folder" in line


def test_a_month_of_each_endpoint_is_said_at_synth(tmp_path: Path) -> None:
    lines = run_app(ROOT, tmp_path / "out").stderr.splitlines()
    (line,) = (one for one in lines if one.startswith("endpoint digits: "))
    assert line == "endpoint digits: 83.95 USD a month (snapshot of 2026-09-01), in us-east-1, once it has a model"


def test_what_bills_is_said_by_the_synth_that_switches_it_on(tmp_path: Path) -> None:
    assert "idle cost" not in run_app(ROOT, tmp_path / "quiet").stderr
    result = run_app(ROOT, tmp_path / "out", {"network.interface_endpoints": "sts,logs"})
    (line,) = (one for one in result.stderr.splitlines() if one.startswith("idle cost: "))
    assert "largest: 2 x interface endpoint in one zone 14.60, " in line


ONE_BUCKET = """
import os

os.environ["CDK_VALIDATION"] = "false"

import aws_cdk
from aws_cdk import aws_s3

app = aws_cdk.App()
aws_s3.Bucket(aws_cdk.Stack(app, "one"), "bucket")
app.synth()
"""


@pytest.mark.slow
def test_a_warm_synth_of_everything_costs_at_most_four_of_one_bucket(tmp_path: Path) -> None:
    """Processor time, side by side: machines differ, and `benchmarks.synth` holds the limit of three seconds."""
    (tmp_path / "app.py").write_text(ONE_BUCKET)
    bare = [processor_seconds(tmp_path, tmp_path / f"bare-{number}") for number in range(3)]
    ours = [processor_seconds(ROOT, tmp_path / f"ours-{number}") for number in range(3)]
    assert min(ours) <= 4 * min(bare), (ours, bare)


def processor_seconds(folder: Path, out: Path) -> float:
    """What running the app of a folder takes, the interpreter's start and CDK's own process included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run_app(folder, out).check_returncode()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
