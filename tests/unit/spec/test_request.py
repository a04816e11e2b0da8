"""The CreateTrainingJob request, held against botocore's own model, field by field."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.model import Shape
from botocore.validate import ParamValidator

from shardyard.spec import names
from shardyard.spec.errors import SpecError
from shardyard.spec.job_folder import load_jobs
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.overrides import apply_fallback
from shardyard.spec.requests.deployment import Deployment
from shardyard.spec.requests.sfn_fields import KNOWN_FIELDS, unknown_to_step_functions, used_fields
from shardyard.spec.requests.training import to_request
from tests.support.spec.request_cases import DEPLOYMENT, EVERYTHING, IMAGE, LEFT_OUT, RUN
from tests.support.spec.spec_tables import make

JOBS = Path(__file__).parents[3] / "jobs"


@pytest.fixture(scope="module")
def shape() -> Shape:
    return botocore.session.get_session().get_service_model("sagemaker").shape_for("CreateTrainingJobRequest")


def request_of(spec: JobSpec, deployment: Deployment = DEPLOYMENT) -> dict[str, Any]:
    return to_request(spec, deployment, job_name=names.training_job_name(spec.name, RUN, 1), run_id=RUN)


def fields_of(shape: Shape, path: str = "") -> Iterator[str]:
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            inner = f"{path}.{name}" if path else name
            yield inner
            yield from fields_of(member, inner)
    elif shape.type_name == "list":
        yield from fields_of(shape.member, path)


def test_every_field_that_botocore_knows_is_sent_or_left_out_for_a_reason(shape: Shape) -> None:
    """A newer botocore with a new field fails here, by the field's name."""
    sent = {path for tables in EVERYTHING for path in used_fields(request_of(make(**tables)))}
    known = set(fields_of(shape))
    left_out = {path for path in known if any(path == field or path.startswith(f"{field}.") for field in LEFT_OUT)}
    assert known - sent - left_out == set()
    assert sent - known == set()
    assert sent & left_out == set(), "a field that is sent needs no reason for being left out"
    assert set(LEFT_OUT) <= known, "a reason for a field that botocore no longer knows"


@pytest.mark.parametrize("tables", EVERYTHING, ids=[str(tables["description"]) for tables in EVERYTHING])
def test_every_kind_of_request_passes_botocore(tables: dict[str, Any], shape: Shape) -> None:
    assert ParamValidator().validate(request_of(make(**tables)), shape).generate_report() == ""


def training_jobs(stage: str) -> list[JobSpec]:
    return [job for job in load_jobs(JOBS, stage) if isinstance(job, JobSpec)]


def shipped() -> list[tuple[str, JobSpec]]:
    jobs = [(stage, job) for stage in ("dev", "prod") for job in training_jobs(stage)]
    return [
        (f"{stage}-{job.name}-{number}", apply_fallback(job, number))
        for stage, job in jobs
        for number in range(len(job.compute.fallback) + 1)
    ]


@pytest.mark.parametrize("spec", [spec for _, spec in shipped()], ids=[name for name, _ in shipped()])
def test_every_shipped_job_passes_botocore(spec: JobSpec, shape: Shape) -> None:
    assert ParamValidator().validate(request_of(spec), shape).generate_report() == ""


def test_shipped_jobs_take_step_functions_own_path_but_for_those_that_show_the_other() -> None:
    second = {
        job.name: unknown_to_step_functions(request_of(job))
        for job in load_jobs(JOBS, "dev")
        if isinstance(job, JobSpec)
    }
    groups = ("InstanceGroupName", "InstanceType", "InstanceCount")
    hetero = ("ResourceConfig.InstanceGroups", *(f"ResourceConfig.InstanceGroups.{name}" for name in groups))
    assert {name: fields for name, fields in second.items() if fields} == {
        "gpt-tp-pp": ("StoppingCondition.MaxPendingTimeInSeconds",),
        "mnist-hetero": (
            *hetero,
            "TensorBoardOutputConfig",
            "TensorBoardOutputConfig.S3OutputPath",
            "TensorBoardOutputConfig.LocalPath",
        ),
        "tf-cifar": ("AlgorithmSpecification.ContainerEntrypoint",),
        "tf-mnist-ps": ("AlgorithmSpecification.ContainerEntrypoint", *hetero),
    }


def test_the_whole_request_of_a_small_job() -> None:
    request = request_of(make(hyperparameters={"epochs": 2}, channels={"train": {"s3": "digits/"}}))
    request["AlgorithmSpecification"].pop("MetricDefinitions")
    assert request == {
        "TrainingJobName": f"job-{RUN}-1",
        "AlgorithmSpecification": {"TrainingInputMode": "File", "TrainingImage": IMAGE},
        "RoleArn": DEPLOYMENT.role_arn,
        "HyperParameters": {"epochs": "2"},
        "InputDataConfig": [
            {
                "ChannelName": "train",
                "DataSource": {
                    "S3DataSource": {
                        "S3DataType": "S3Prefix",
                        "S3Uri": "s3://data-bucket/digits/",
                        "S3DataDistributionType": "FullyReplicated",
                    }
                },
                "InputMode": "File",
            }
        ],
        "OutputDataConfig": {"S3OutputPath": f"s3://artifact-bucket/runs/{RUN}/", "KmsKeyId": DEPLOYMENT.kms_key_arn},
        "ResourceConfig": {"VolumeSizeInGB": 30, "InstanceType": "ml.g5.xlarge", "InstanceCount": 1},
        "VpcConfig": {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]},
        "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
        "Tags": [
            {"Key": "project", "Value": "shardyard"},
            {"Key": "stage", "Value": "dev"},
            {"Key": "owner", "Value": "team"},
            {"Key": "job", "Value": "job"},
            {"Key": "run", "Value": RUN},
        ],
        "Environment": {
            "SHARDYARD_RUN_ID": RUN,
            "SHARDYARD_JOB": "job",
            "SHARDYARD_ENTRY": "training.pytorch.programs.mnist",
            "SHARDYARD_LAUNCHER": "torchrun",
        },
        "EnableManagedSpotTraining": False,
    }


def test_the_variables_that_the_launcher_reads() -> None:
    environment = request_of(make(**EVERYTHING[0]))["Environment"]
    assert environment == {
        "SHARDYARD_RUN_ID": RUN,
        "SHARDYARD_JOB": "job",
        "SHARDYARD_ENTRY": "train.py",
        "SHARDYARD_LAUNCHER": "torchrun",
        "SHARDYARD_PROCESSES_PER_NODE": "2",
        "SHARDYARD_ARGUMENTS": '["--fast", "a b"]',
        "SHARDYARD_SOURCE_SHA256": "d" * 64,
        "SHARDYARD_CHECKPOINT_S3": "s3://artifact-bucket/checkpoints/job/20260101-000000-abcd/",
        "NCCL_DEBUG": "INFO",
    }


def test_a_job_that_keeps_no_checkpoints_is_told_of_no_place_for_them() -> None:
    variables = request_of(make())["Environment"]
    assert not [name for name in variables if "CHECKPOINT" in name]


def test_programs_save_in_the_folder_that_is_copied() -> None:
    request = request_of(make(checkpoints={"enabled": True, "local_path": "/opt/ml/local/x", "s3": "s3://team/saves/"}))
    assert request["CheckpointConfig"] == {"S3Uri": "s3://team/saves/", "LocalPath": "/opt/ml/local/x"}
    assert request["Environment"]["SHARDYARD_CHECKPOINT_S3"] == "s3://team/saves/"
    assert request["Environment"]["SHARDYARD_CHECKPOINT_DIR"] == "/opt/ml/local/x"


def test_code_and_launcher_come_as_channels() -> None:
    image = {"folder": None, "framework": "pytorch", "version": "2.13"}
    request = request_of(make(image=image, source={"dir": "src", "sha256": "d" * 64}))
    uris = {c["ChannelName"]: c["DataSource"]["S3DataSource"]["S3Uri"] for c in request["InputDataConfig"]}
    assert uris == {
        "code": f"s3://artifact-bucket/source/{'d' * 64}.zip",
        "launcher": f"s3://artifact-bucket/source/{'c' * 64}.zip",
    }
    entrypoint = request["AlgorithmSpecification"]["ContainerEntrypoint"]
    assert entrypoint == ["python", f"/opt/ml/input/data/launcher/{'c' * 64}.zip"]


def test_code_without_a_bundle_is_refused() -> None:
    with pytest.raises(SpecError, match="source: no bundle of 'src' was made yet, so it has no hash"):
        request_of(make(source={"dir": "src"}))


def test_a_key_is_left_out_where_the_disk_encrypts_itself() -> None:
    assert "VolumeKmsKeyId" not in request_of(make())["ResourceConfig"]
    cpu = request_of(make(compute={"instance_type": "ml.m5.xlarge"}))
    assert cpu["ResourceConfig"]["VolumeKmsKeyId"] == DEPLOYMENT.kms_key_arn


def test_a_resumed_run_finds_the_checkpoints_of_its_run_under_another_job_name() -> None:
    spec = make(checkpoints={"enabled": True})
    first, second = (to_request(spec, DEPLOYMENT, job_name=name, run_id=RUN) for name in ("a", "b"))
    assert first["CheckpointConfig"] == second["CheckpointConfig"]
    assert first["CheckpointConfig"]["S3Uri"] == f"s3://artifact-bucket/checkpoints/job/{RUN}/"


def test_what_the_input_can_switch_on_is_always_in_the_request() -> None:
    """The state that sends the request names its fields at synth, before the input is known."""
    plain = set(request_of(make()))
    full = make(spot={"enabled": True}, checkpoints={"enabled": True}, hyperparameters={"a": 1}, environment={"A": "b"})
    assert set(request_of(full)) - plain == {"CheckpointConfig"}


def test_no_network_of_the_project_means_no_vpc_in_the_request() -> None:
    without = Deployment.from_dict({**DEPLOYMENT.to_dict(), "subnets": []})
    assert "VpcConfig" not in request_of(make(), without)
    assert "VpcConfig" not in request_of(make(network={"vpc": False}))


def test_a_deployment_survives_json() -> None:
    assert Deployment.from_dict(json.loads(json.dumps(DEPLOYMENT.to_dict()))) == DEPLOYMENT


def test_a_field_that_step_functions_may_not_know_is_named() -> None:
    assert unknown_to_step_functions(request_of(make(retry={"attempts": 2}))) == (
        "RetryStrategy",
        "RetryStrategy.MaximumRetryAttempts",
    )


def test_the_list_of_step_functions_fields_holds_only_fields_that_exist(shape: Shape) -> None:
    assert set(KNOWN_FIELDS) - set(fields_of(shape)) == set()


def test_free_tables_are_no_fields() -> None:
    assert "HyperParameters.epochs" not in used_fields({"HyperParameters": {"epochs": "1"}})
