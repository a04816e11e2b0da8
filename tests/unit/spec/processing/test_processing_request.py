"""The CreateProcessingJob request, held against botocore's own model, field by field."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.model import Shape
from botocore.validate import ParamValidator

from shardyard.spec import names
from shardyard.spec.catalogue.processing_types import PROCESSING_TYPES
from shardyard.spec.job_folder import load_jobs
from shardyard.spec.jobs.processing.processing import ProcessingSpec
from shardyard.spec.requests.processing import environment, to_request
from shardyard.spec.requests.sfn_fields import KNOWN_PROCESSING_FIELDS, unknown_to_step_functions, used_fields
from tests.support.spec.processing_rule_cases import BASE
from tests.support.spec.request_cases import DEPLOYMENT, RUN
from tests.support.spec.spec_tables import over

JOBS = Path(__file__).parents[4] / "jobs"
LEFT_OUT = {
    "ProcessingResources.ClusterConfig.SelectedInstanceType": "what the service answers: the preference that it took",
    "ProcessingResources.ClusterConfig.SelectedInstanceCount": "what the service answers: the preference that it took",
}
ROLE = "arn:aws:iam::123456789012:role/redshift"
EVERYTHING: list[dict[str, Any]] = [
    {
        "description": "a program in an image of AWS's, every kind of input and output",
        "image": {"folder": None, "framework": "pytorch", "version": "2.13"},
        "program": {"entry": "prepare.py", "arguments": ["--classes", "10"]},
        "source": {"dir": "code", "sha256": "d" * 64},
        "compute": {"count": 2, "volume_kms_key": "alias/own"},
        "network": {"isolation": True, "encrypt_traffic": True},
        "environment": {"A": "b"},
        "inputs": {
            "raw": {"s3": "raw/", "distribution": "ShardedByS3Key", "mode": "Pipe", "compression": "Gzip"},
            "rows": {
                "athena": {"database": "d", "query": "select 1", "work_group": "w", "compression": "SNAPPY"},
                "distribution": "ShardedByS3Key",
            },
            "users": {
                "redshift": {
                    "cluster": "c",
                    "database": "d",
                    "user": "u",
                    "query": "select 1",
                    "cluster_role_arn": ROLE,
                    "compression": "GZIP",
                }
            },
            "fetched": {"s3": "fetched/", "app_managed": True},
        },
        "outputs": {
            "shards": {"s3": "shards/", "upload": "Continuous"},
            "features": {"feature_group": "clicks", "app_managed": True},
        },
        "experiment": {"name": "digits", "trial": "one", "display_name": "prepare", "run_name": "r"},
    },
    {
        "description": "instance preferences",
        "compute": {
            "instance_type": None,
            "preferences": [{"instance_type": "ml.m5.large", "count": 3}, {"instance_type": "ml.m6i.large"}],
        },
    },
    {
        "description": "Spark",
        "image": {"folder": "spark"},
        "program": None,
        "source": {"dir": "code", "sha256": "d" * 64},
        "inputs": {"libraries": {"s3": "jars/", "local_path": "/opt/ml/processing/input/jars"}},
        "spark": {"application": "events.py", "arguments": ["--days", "7"], "jars": ["libraries"]},
    },
]


def make(**tables: Any) -> ProcessingSpec:
    return ProcessingSpec.from_dict(over(BASE, tables))


def request_of(spec: ProcessingSpec) -> dict[str, Any]:
    return to_request(spec, DEPLOYMENT, job_name=names.training_job_name(spec.name, RUN, 1), run_id=RUN)


@pytest.fixture(scope="module")
def shape() -> Shape:
    return botocore.session.get_session().get_service_model("sagemaker").shape_for("CreateProcessingJobRequest")


def fields_of(shape: Shape, path: str = "") -> Iterator[str]:
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            inner = f"{path}.{name}" if path else name
            yield inner
            yield from fields_of(member, inner)
    elif shape.type_name == "list":
        yield from fields_of(shape.member, path)


def test_every_field_that_botocore_knows_is_sent_or_left_out_for_a_reason(shape: Shape) -> None:
    sent = {path for tables in EVERYTHING for path in used_fields(request_of(make(**tables)))}
    known = set(fields_of(shape))
    assert known - sent - LEFT_OUT.keys() == set()
    assert sent - known == set()
    assert LEFT_OUT.keys() <= known and not sent & LEFT_OUT.keys()
    assert set(KNOWN_PROCESSING_FIELDS) <= known


@pytest.mark.parametrize("tables", EVERYTHING, ids=[str(tables["description"]) for tables in EVERYTHING])
def test_every_kind_of_request_passes_botocore(tables: dict[str, Any], shape: Shape) -> None:
    assert ParamValidator().validate(request_of(make(**tables)), shape).generate_report() == ""


def test_processing_runs_on_the_types_that_botocore_knows(shape: Shape) -> None:
    cluster = shape.members["ProcessingResources"].members["ClusterConfig"]
    assert set(PROCESSING_TYPES) == set(cluster.members["InstanceType"].enum)


def test_the_whole_request_of_a_small_job() -> None:
    spec = make(inputs={"raw": {"s3": "digits/raw/"}}, outputs={"shards": {"s3": "digits/shards/"}, "report": {}})
    key = DEPLOYMENT.kms_key_arn
    assert request_of(spec) == {
        "ProcessingJobName": f"prepare-{RUN}-1",
        "AppSpecification": {
            "ImageUri": DEPLOYMENT.image_uri,
            "ContainerArguments": ["process", "training.processing.digits"],
        },
        "RoleArn": DEPLOYMENT.role_arn,
        "ProcessingResources": {
            "ClusterConfig": {
                "VolumeSizeInGB": 30,
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                "VolumeKmsKeyId": key,
            }
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
        "Environment": {"SHARDYARD_RUN_ID": RUN, "SHARDYARD_JOB": "prepare"},
        "Tags": [
            {"Key": name, "Value": value} for name, value in {**DEPLOYMENT.tags, "job": "prepare", "run": RUN}.items()
        ],
        "ProcessingInputs": [
            {
                "InputName": "raw",
                "S3Input": {
                    "S3Uri": "s3://data-bucket/digits/raw/",
                    "LocalPath": "/opt/ml/processing/input/raw",
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                    "S3DataDistributionType": "FullyReplicated",
                },
            }
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "shards",
                    "S3Output": {
                        "S3Uri": "s3://data-bucket/digits/shards/",
                        "S3UploadMode": "EndOfJob",
                        "LocalPath": "/opt/ml/processing/output/shards",
                    },
                },
                {
                    "OutputName": "report",
                    "S3Output": {
                        "S3Uri": f"s3://artifact-bucket/runs/{RUN}/prepare/report/",
                        "S3UploadMode": "EndOfJob",
                        "LocalPath": "/opt/ml/processing/output/report",
                    },
                },
            ],
            "KmsKeyId": key,
        },
        "NetworkConfig": {
            "VpcConfig": {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]},
        },
    }


def test_an_image_of_awss_gets_the_launcher_as_an_input() -> None:
    request = request_of(make(**EVERYTHING[0]))
    launcher = f"/opt/ml/processing/input/launcher/{'c' * 64}.zip"
    assert request["AppSpecification"]["ContainerEntrypoint"] == ["python", launcher]
    assert request["AppSpecification"]["ContainerArguments"] == ["process", "prepare.py", "--classes", "10"]
    added = {one["InputName"]: one["S3Input"]["S3Uri"] for one in request["ProcessingInputs"][-2:]}
    assert added == {
        name: f"s3://artifact-bucket/source/{letter * 64}.zip" for name, letter in (("code", "d"), ("launcher", "c"))
    }
    assert request["Environment"]["SHARDYARD_SOURCE_SHA256"] == "d" * 64


def test_only_what_nobody_is_known_to_have_sent_takes_the_second_path() -> None:
    unknown = [unknown_to_step_functions(request_of(make(**tables)), "createProcessingJob") for tables in EVERYTHING]
    assert "ExperimentConfig.RunName" in unknown[0] and "ProcessingInputs.DatasetDefinition" in unknown[0]
    assert "ProcessingResources.ClusterConfig.InstancePreferences" in unknown[1]
    assert unknown[2] == ()


def test_spark_is_submitted_as_in_the_container_of_aws() -> None:
    application = request_of(make(**EVERYTHING[2]))["AppSpecification"]
    entrypoint = application["ContainerEntrypoint"]
    assert application["ContainerArguments"] == ["--days", "7"]
    assert entrypoint[:2] == ["python3", "-c"]
    assert entrypoint[3:] == [
        f"/opt/ml/processing/input/code/{'d' * 64}.zip",
        "/opt/ml/processing/application",
        "smspark-submit",
        "--jars",
        "/opt/ml/processing/input/jars",
        "--local-spark-event-logs-dir",
        "/opt/ml/processing/spark-events/",
        "/opt/ml/processing/application/events.py",
    ]


def test_every_shipped_job_passes_botocore(shape: Shape) -> None:
    shipped = [one for stage in ("dev", "prod") for one in load_jobs(JOBS, stage) if isinstance(one, ProcessingSpec)]
    assert len(shipped) >= 4
    for spec in shipped:
        bundled = spec if spec.source is None else spec.with_source("d" * 64)
        assert ParamValidator().validate(request_of(bundled), shape).generate_report() == "", spec.name
        assert unknown_to_step_functions(request_of(bundled), "createProcessingJob") == ()


def test_a_program_that_leaves_gpus_alone_is_told_so() -> None:
    spec = ProcessingSpec.from_dict(over(BASE, {"program": {"without_gpus": True}}))
    assert environment(spec, RUN)["SHARDYARD_WITHOUT_GPUS"] == "1"
    assert "SHARDYARD_WITHOUT_GPUS" not in environment(ProcessingSpec.from_dict(BASE), RUN)
