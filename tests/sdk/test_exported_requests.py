"""A script that `yard export --sdk` writes asks for the same training job, field by field, as the project itself."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shardyard.spec.job_folder import load_jobs
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.requests.deployment import Deployment
from shardyard.spec.requests.training import to_request
from yard.errors import UserError
from yard.export import sdk_script

pytestmark = pytest.mark.sdk

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-sdk/bin/python"
DEPLOYMENT = Deployment(
    project="shardyard",
    stage="dev",
    data_bucket="data",
    artifact_bucket="artifacts",
    role_arn="arn:aws:iam::123456789012:role/training",
    image_uri="123456789012.dkr.ecr.us-east-1.amazonaws.com/shardyard-dev/pytorch:0123456789abcdef",
    kms_key_arn="arn:aws:kms:us-east-1:123456789012:key/0e0e0e0e-0000-0000-0000-000000000000",
    subnets=("subnet-0123", "subnet-4567"),
    security_group_ids=("sg-0123",),
    launcher_sha256="a" * 64,
    tags={"owner": "a team"},
)
EXTRA = {
    "many-options": """
description = "What ships has few options; this has many that the SDK can say"
[image]
framework = "pytorch"
version = "2.13"
[program]
entry = "training.pytorch.programs.mnist"
arguments = ["--quiet", "it's 1"]
[compute]
instance_type = "ml.g5.xlarge"
count = 2
volume = "40GB"
keep_alive = "10m"
[limits]
max_runtime = "2h"
[checkpoints]
enabled = true
[channels.train]
s3 = "digits/train/"
distribution = "ShardedByS3Key"
mode = "FastFile"
shuffle_seed = 7
[channels.text]
s3 = "s3://elsewhere/text/"
mode = "File"
[hyperparameters]
text = "true"
number = 1e-3
[[metrics]]
name = "own"
regex = 'own: ([0-9.]+)'
[network]
encrypt_traffic = true
""",
}


def shipped(folder: Path) -> dict[str, JobSpec]:
    """The jobs of jobs/, and those that the SDK must also be able to say."""
    for name, text in EXTRA.items():
        (folder / f"{name}.toml").write_text(text)
    specs = (*load_jobs(ROOT / "jobs", "dev"), *load_jobs(folder, "dev"))
    return {spec.name: spec for spec in specs if isinstance(spec, JobSpec)}


def ours(spec: JobSpec) -> dict[str, Any]:
    """The request that the project itself would make."""
    deployment = DEPLOYMENT if spec.image.framework is None else replace(DEPLOYMENT, launcher_sha256=None)
    return to_request(spec, deployment, job_name=f"{spec.name}-r1-1", run_id="r1")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[dict[str, Any], dict[str, Any]]]:
    """By job: our request, and the one that the script makes in the SDK's environment."""
    if not PYTHON.exists():
        pytest.skip("there is no .venv-sdk here; make test-sdk makes it")
    folder = tmp_path_factory.mktemp("scripts")
    (folder / "jobs").mkdir()
    requests = {name: ours(spec) for name, spec in shipped(folder / "jobs").items()}
    scripts = []
    for name, request in requests.items():
        scripts.append(folder / f"{name}.py")
        scripts[-1].write_text(sdk_script(name, request))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHONPATH"))},
        "SHARDYARD_RUN_ID": "r1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    command = [str(PYTHON), str(Path(__file__).parent / "capture.py"), *map(str, scripts)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    theirs = json.loads(done.stdout.rstrip().splitlines()[-1])
    return {name: (request, theirs[name]) for name, request in requests.items()}


def test_every_job_asks_for_the_same(both: Mapping[str, tuple[dict[str, Any], dict[str, Any]]]) -> None:
    assert len(both) > 5
    differing = {}
    for job, (our, their) in both.items():
        our, their = normal(our), normal(their)
        found = {name: (our.get(name), their.get(name)) for name in {*our, *their} if our.get(name) != their.get(name)}
        if found:
            differing[job] = found
    assert differing == {}


def test_the_name_is_the_sdks_own(both: Mapping[str, tuple[dict[str, Any], dict[str, Any]]]) -> None:
    for job, (_, their) in both.items():
        assert their["TrainingJobName"].startswith(f"{job}-")


def normal(request: Mapping[str, Any]) -> dict[str, Any]:
    """A request without what may differ.

    The SDK makes a name of its own. It says the output's compression, GZIP, which is what the service does when nothing
    is said. It leaves switches out that are off, where we always send spot, since a launch can switch that on.
    """
    found = {name: value for name, value in request.items() if name != "TrainingJobName" and value not in (False, {})}
    output = dict(found["OutputDataConfig"])
    if output.get("CompressionType") == "GZIP":
        del output["CompressionType"]
    return {**found, "OutputDataConfig": output}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("DebugHookConfig", {"S3OutputPath": "s3://artifacts/debug"}),
        ("ProfilerConfig", {"S3OutputPath": "s3://artifacts/profile"}),
        ("ExperimentConfig", {"ExperimentName": "first"}),
        ("MlflowConfig", {"MlflowResourceArn": "arn:aws:sagemaker:us-east-1:123456789012:mlflow-app/app"}),
    ],
)
def test_what_the_sdk_cannot_say_is_refused_by_its_name(field: str, value: dict[str, Any]) -> None:
    spec = next(one for one in load_jobs(ROOT / "jobs", "dev") if isinstance(one, JobSpec) and one.name == "mnist-ddp")
    with pytest.raises(UserError, match=field):
        sdk_script("mnist-ddp", {**ours(spec), field: value})


def test_an_entry_point_of_its_own_is_refused() -> None:
    spec = next(one for one in load_jobs(ROOT / "jobs", "dev") if isinstance(one, JobSpec) and one.name == "mnist-ddp")
    request = ours(spec)
    request["AlgorithmSpecification"] = {**request["AlgorithmSpecification"], "ContainerEntrypoint": ["python", "x.py"]}
    with pytest.raises(UserError, match="entry point of its own"):
        sdk_script("mnist-ddp", request)
