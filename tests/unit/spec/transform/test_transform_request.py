"""The CreateTransformJob and CreateModel requests, held against botocore's own model, field by field."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.model import Shape
from botocore.validate import ParamValidator

from shardyard.spec import names
from shardyard.spec.catalogue.transform_types import TRANSFORM_TYPES
from shardyard.spec.job_folder import load_jobs
from shardyard.spec.jobs.transform.transform import TransformSpec
from shardyard.spec.requests.sfn_fields import (
    KNOWN_MODEL_FIELDS,
    KNOWN_TRANSFORM_FIELDS,
    unknown_to_step_functions,
    used_fields,
)
from shardyard.spec.requests.transform import model_address, model_request, to_request
from tests.support.spec.request_cases import DEPLOYMENT, RUN
from tests.support.spec.spec_tables import over
from tests.support.spec.transform_rule_cases import BASE

JOBS = Path(__file__).parents[4] / "jobs"
EVERYTHING: list[dict[str, Any]] = [
    {
        "description": "what Step Functions' own task is known to take",
        "environment": {"WORKERS": "2"},
        "compute": {"count": 2, "volume_kms_key": "alias/own"},
        "inputs": {"rows": {"content_type": "text/csv", "split": "Line", "compression": "Gzip"}},
        "output": {"s3": "digits/out/", "accept": "text/csv", "assemble_with": "Line", "kms_key": "alias/own"},
        "batching": {
            "strategy": "SingleRecord",
            "max_payload_mb": 5,
            "max_concurrent": 4,
            "timeout": "2m",
            "retries": 1,
        },
        "data_processing": {"input_filter": "$[1:]", "join": "Input", "output_filter": "$[0,-1]"},
    },
    {
        "description": "what it is not known to take",
        "compute": {"instance_type": "ml.g5.xlarge", "ami_version": "al2-ami-sagemaker-batch-gpu-535"},
        "inputs": {"rows": {"s3": "s3://team/manifest.json", "type": "ManifestFile"}},
        "capture": {"s3": "digits/captured/", "inference_ids": True},
        "experiment": {"name": "digits", "trial": "one", "display_name": "score", "run_name": "r"},
    },
]


def make(**tables: Any) -> TransformSpec:
    return TransformSpec.from_dict(over(BASE, tables))


def request_of(spec: TransformSpec) -> dict[str, Any]:
    return to_request(spec, DEPLOYMENT, job_name=names.training_job_name(spec.name, RUN, 1), run_id=RUN)


def shape_of(name: str) -> Shape:
    return botocore.session.get_session().get_service_model("sagemaker").shape_for(name)


@pytest.fixture(scope="module")
def shape() -> Shape:
    return shape_of("CreateTransformJobRequest")


def fields_of(shape: Shape, path: str = "") -> Iterator[str]:
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            inner = f"{path}.{name}" if path else name
            yield inner
            yield from fields_of(member, inner)
    elif shape.type_name == "list":
        yield from fields_of(shape.member, path)


def test_every_field_that_botocore_knows_is_sent(shape: Shape) -> None:
    sent = {path for tables in EVERYTHING for path in used_fields(request_of(make(**tables)))}
    assert set(fields_of(shape)) == sent
    assert set(KNOWN_TRANSFORM_FIELDS) <= sent


@pytest.mark.parametrize("tables", EVERYTHING, ids=[str(tables["description"]) for tables in EVERYTHING])
def test_every_kind_of_request_passes_botocore(tables: dict[str, Any], shape: Shape) -> None:
    assert ParamValidator().validate(request_of(make(**tables)), shape).generate_report() == ""


def test_transforms_run_on_the_types_that_botocore_knows(shape: Shape) -> None:
    assert set(TRANSFORM_TYPES) == set(shape.members["TransformResources"].members["InstanceType"].enum)


def test_the_whole_request_of_a_small_job() -> None:
    assert request_of(make()) == {
        "TransformJobName": f"score-{RUN}-1",
        "ModelName": f"score-{RUN}",
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data-bucket/digits/rows/"}},
            "ContentType": "application/jsonlines",
            "SplitType": "None",
            "CompressionType": "None",
        },
        "TransformOutput": {
            "S3OutputPath": f"s3://artifact-bucket/runs/{RUN}/score/transform/",
            "AssembleWith": "None",
            "KmsKeyId": DEPLOYMENT.kms_key_arn,
        },
        "TransformResources": {
            "InstanceType": "ml.m5.large",
            "InstanceCount": 1,
            "VolumeKmsKeyId": DEPLOYMENT.kms_key_arn,
        },
        "Environment": {},
        "Tags": [
            {"Key": name, "Value": value} for name, value in {**DEPLOYMENT.tags, "job": "score", "run": RUN}.items()
        ],
    }


def test_instances_with_disks_of_their_own_get_no_key() -> None:
    assert "VolumeKmsKeyId" not in request_of(make(**EVERYTHING[1]))["TransformResources"]


def test_the_model_is_the_jobs_image_with_the_archive() -> None:
    spec = make(network={"isolation": True})
    request = model_request(spec, DEPLOYMENT, run_id=RUN, data_url="s3://artifact-bucket/m.tar.gz")
    assert request["PrimaryContainer"] == {
        "Image": DEPLOYMENT.image_uri,
        "ModelDataUrl": "s3://artifact-bucket/m.tar.gz",
        "Environment": {"SHARDYARD_RUN_ID": RUN, "SHARDYARD_JOB": "score"},
    }
    assert request["ModelName"] == request_of(spec)["ModelName"]
    assert request["VpcConfig"] == {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}
    assert request["EnableNetworkIsolation"] is True
    assert ParamValidator().validate(request, shape_of("CreateModelInput")).generate_report() == ""
    assert unknown_to_step_functions(request, "createModel") == ()
    assert "VpcConfig" not in model_request(
        make(network={"vpc": False}), DEPLOYMENT, run_id=RUN, data_url="s3://a/m.tar.gz"
    )


def test_what_step_functions_is_known_to_take_is_of_the_service() -> None:
    known = set(fields_of(shape_of("CreateModelInput")))
    assert set(KNOWN_MODEL_FIELDS) <= known


def test_only_what_nobody_is_known_to_have_sent_takes_the_second_path() -> None:
    unknown = [unknown_to_step_functions(request_of(make(**tables)), "createTransformJob") for tables in EVERYTHING]
    assert unknown[0] == ()
    assert {path.partition(".")[0] for path in unknown[1]} == {
        "DataCaptureConfig",
        "ExperimentConfig",
        "TransformResources",
    }


def test_a_models_own_archive_is_known_and_a_runs_is_found_at_launch() -> None:
    assert model_address(make(), DEPLOYMENT) is None
    named = make(model={"run": None, "s3": "models/m.tar.gz"})
    assert model_address(named, DEPLOYMENT) == "s3://artifact-bucket/models/m.tar.gz"


def test_a_long_name_is_cut_to_what_a_model_may_have() -> None:
    spec = make(name="a-very-long-name-for-a-transform")
    run = "x" * 31
    assert len(names.model_name(spec.name, run)) == 63
    assert names.model_name("short", "run") == "short-run"


def test_every_shipped_job_passes_botocore_and_takes_the_first_path(shape: Shape) -> None:
    shipped = [one for stage in ("dev", "prod") for one in load_jobs(JOBS, stage) if isinstance(one, TransformSpec)]
    assert len(shipped) >= 2
    for spec in shipped:
        assert ParamValidator().validate(request_of(spec), shape).generate_report() == "", spec.name
        assert unknown_to_step_functions(request_of(spec), "createTransformJob") == ()
