"""The CreateAutoMLJobV2 request, held against botocore's own model, field by field."""

from collections.abc import Iterator
from typing import Any, get_args

import botocore.session
import pytest
from botocore.model import Shape
from botocore.validate import ParamValidator

from shardyard.spec.errors import SpecError
from shardyard.spec.jobs.automl.automl import AutoMLSpec, Metric
from shardyard.spec.jobs.automl.problems import Algorithm
from shardyard.spec.names import training_job_name
from shardyard.spec.requests.automl import to_request
from shardyard.spec.requests.sfn_fields import used_fields
from shardyard.spec.rules import check
from shardyard.spec.rules.automl.problems import ALGORITHMS, METRICS
from shardyard.spec.run_settings import automl_settings, outputs_of
from tests.support.automl.automl_features import AUTOML_FEATURES, automl_job_of
from tests.support.automl.automl_rule_cases import BASE, TEXT
from tests.support.spec.request_cases import DEPLOYMENT, RUN
from tests.support.spec.spec_tables import over

NEVER_SENT = {
    "ModelDeployConfig": "an endpoint that bills and belongs to no stack",
    "AutoMLComputeConfig": "an application of EMR Serverless",
    "AutoMLProblemTypeConfig.TextGenerationJobConfig": "a language model, by hardware and licence another matter",
}
"""Fields that no file sets, and what they would ask for."""


def make(**tables: Any) -> AutoMLSpec:
    return AutoMLSpec.from_dict(over(BASE, tables))


def request_of(spec: AutoMLSpec) -> dict[str, Any]:
    return to_request(spec, DEPLOYMENT, job_name=training_job_name(spec.name, RUN, 1, 32), run_id=RUN)


@pytest.fixture(scope="module")
def shape() -> Shape:
    return botocore.session.get_session().get_service_model("sagemaker").shape_for("CreateAutoMLJobV2Request")


def fields_of(shape: Shape, path: str = "") -> Iterator[str]:
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            inner = f"{path}.{name}" if path else name
            if inner not in NEVER_SENT:
                yield inner
                yield from fields_of(member, inner)
    elif shape.type_name == "list":
        yield from fields_of(shape.member, path)


def test_every_field_that_botocore_knows_is_sent_by_some_job(shape: Shape) -> None:
    jobs = [automl_job_of("customers", tables) for tables in AUTOML_FEATURES.values()]
    free = ("Filling.", "Aggregation.")
    sent = {path for job in jobs for path in used_fields(request_of(job)) if not any(one in path for one in free)}
    assert sent == set(fields_of(shape))


@pytest.mark.parametrize("name", AUTOML_FEATURES)
def test_every_feature_is_accepted_and_passes_botocore(name: str, shape: Shape) -> None:
    job = automl_job_of("customers", AUTOML_FEATURES[name])
    assert check(job) == []
    assert ParamValidator().validate(request_of(job), shape).generate_report() == ""


def test_choices_are_those_that_botocore_knows(shape: Shape) -> None:
    members = shape.members["AutoMLJobObjective"].members["MetricName"]
    assert set(get_args(Metric)) == set(members.enum) == {one for metrics in METRICS.values() for one in metrics}
    table = shape.members["AutoMLProblemTypeConfig"].members["TabularJobConfig"]
    config = table.members["CandidateGenerationConfig"].members["AlgorithmsConfig"].member
    known = set(config.members["AutoMLAlgorithms"].member.enum)
    assert set(get_args(Algorithm)) == known == {one for names in ALGORITHMS.values() for one in names}


def test_the_whole_request_of_a_small_job() -> None:
    assert request_of(make()) == {
        "AutoMLJobName": f"customers-{RUN}-1",
        "AutoMLJobInputDataConfig": [
            {
                "ChannelType": "training",
                "ContentType": "text/csv;header=present",
                "CompressionType": "None",
                "DataSource": {
                    "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data-bucket/tables/customers/"}
                },
            }
        ],
        "OutputDataConfig": {
            "S3OutputPath": f"s3://artifact-bucket/runs/{RUN}/customers/automl/",
            "KmsKeyId": DEPLOYMENT.kms_key_arn,
        },
        "AutoMLProblemTypeConfig": {
            "TabularJobConfig": {
                "TargetAttributeName": "left",
                "Mode": "AUTO",
                "CompletionCriteria": {
                    "MaxCandidates": 10,
                    "MaxRuntimePerTrainingJobInSeconds": 3600,
                    "MaxAutoMLJobRuntimeInSeconds": 86400,
                },
            }
        },
        "RoleArn": DEPLOYMENT.role_arn,
        "SecurityConfig": {
            "VolumeKmsKeyId": DEPLOYMENT.kms_key_arn,
            "EnableInterContainerTrafficEncryption": False,
            "VpcConfig": {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]},
        },
        "Tags": [
            {"Key": name, "Value": value} for name, value in {**DEPLOYMENT.tags, "job": "customers", "run": RUN}.items()
        ],
    }


def test_a_long_name_is_cut_to_what_an_automl_job_may_have() -> None:
    name = training_job_name("a-very-long-name-of-a-job", RUN, 1, 32)
    assert len(name) == 32 and name.endswith(f"-{RUN}-1") and name.startswith("a-very")


def test_other_problems_have_one_candidate() -> None:
    criteria = request_of(make(**TEXT))["AutoMLProblemTypeConfig"]["TextClassificationJobConfig"]["CompletionCriteria"]
    assert criteria["MaxCandidates"] == 1


def test_exactly_one_problem_is_learnt_and_no_image_is_named() -> None:
    none = "it does not say what is learnt (exactly one of tabular, text_classification, image_classification, "
    with pytest.raises(SpecError) as error:
        make(tabular=None)
    assert [str(one) for one in error.value.problems] == [f"{none}forecasting)"]
    with pytest.raises(SpecError, match="tabular and image_classification exclude each other"):
        make(image_classification={"enabled": True})
    with pytest.raises(SpecError, match="SageMaker brings the images of AutoML jobs itself \\(remove folder\\)"):
        make(image={"folder": "pytorch"})


def test_settings_and_output_are_read_off_a_request_or_an_answer() -> None:
    request = request_of(make(objective="F1", tabular={"problem": "BinaryClassification"}))
    found = automl_settings(request)
    assert found["problem"] == "TabularJobConfig" and found["objective"] == "F1"
    assert found["inputs"]["training"]["s3"] == "s3://data-bucket/tables/customers/"
    assert found["CompletionCriteria"]["MaxCandidates"] == 10
    assert outputs_of(request) == {"automl": f"s3://artifact-bucket/runs/{RUN}/customers/automl/"}
