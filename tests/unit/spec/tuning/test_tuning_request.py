"""The CreateHyperParameterTuningJob request, held against botocore's own model, field by field."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.model import Shape
from botocore.validate import ParamValidator

from shardyard.spec.job_folder import load_jobs
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.requests.sfn_fields import used_fields
from shardyard.spec.requests.tuning import MOST_METRICS, to_tuning_request, tuning_job_name
from tests.support.some import some
from tests.support.spec.request_cases import DEPLOYMENT, RUN
from tests.support.spec.spec_tables import make
from tests.support.spec.tuning_request_cases import EVERYTHING, LEFT_OUT, TUNING_JOB
from tests.support.spec.tuning_rule_cases import search

JOBS = Path(__file__).parents[4] / "jobs"
SHARED = "TrainingJobDefinition"
SEVERAL = "TrainingJobDefinitions"
FREE = ("StaticHyperParameters", "Environment")


@pytest.fixture(scope="module")
def shape() -> Shape:
    service = botocore.session.get_session().get_service_model("sagemaker")
    return service.shape_for("CreateHyperParameterTuningJobRequest")


def request_of(spec: JobSpec) -> dict[str, Any]:
    return to_tuning_request(spec, DEPLOYMENT, tuning_job=TUNING_JOB, run_id=RUN)


def fields_of(shape: Shape, path: str = "") -> Iterator[str]:
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            inner = f"{path}.{name}" if path else name
            yield inner
            yield from fields_of(member, inner)
    elif shape.type_name == "list":
        yield from fields_of(shape.member, path)


def sent_by(tables: dict[str, Any]) -> set[str]:
    paths = used_fields(request_of(make(**tables)))
    return {path for path in paths if not any(f".{table}." in path for table in FREE)}


def test_every_field_that_botocore_knows_is_sent_or_left_out_for_a_reason(shape: Shape) -> None:
    """A newer botocore with a new field fails here, by the field's name.

    One definition and several are the same shape, so that a field which one of them sends is covered for both.
    """
    sent = set().union(*(sent_by(tables) for tables in EVERYTHING.values()))
    known = set(fields_of(shape))
    assert sent - known == set()
    for one, other in ((SHARED, SEVERAL), (SEVERAL, SHARED)):
        sent |= {f"{other}{path.removeprefix(one)}" for path in sent if path.startswith(f"{one}.")} & known
    config = "HyperParameterTuningJobConfig.ParameterRanges"
    for definitions in (SHARED, SEVERAL):
        ranges = f"{definitions}.HyperParameterRanges"
        sent |= {f"{ranges}{path.removeprefix(config)}" for path in sent if path.startswith(f"{config}.")}
    left_out = {path for path in known if any(path == field or path.startswith(f"{field}.") for field in LEFT_OUT)}
    assert known - sent - left_out == set()
    assert set(LEFT_OUT) <= known, "a reason for a field that botocore no longer knows"


@pytest.mark.parametrize("tables", EVERYTHING.values(), ids=EVERYTHING)
def test_every_kind_of_search_passes_botocore(tables: dict[str, Any], shape: Shape) -> None:
    assert ParamValidator().validate(request_of(make(**tables)), shape).generate_report() == ""


def test_ranges_are_written_as_the_service_carries_them() -> None:
    job = make(
        **search(
            ranges={
                "layers": {"type": "integer", "min": 1, "max": 8},
                "size": {"type": "categorical", "values": [16, "16", True, "adam"]},
            }
        )
    )
    assert request_of(job)["HyperParameterTuningJobConfig"]["ParameterRanges"] == {
        "ContinuousParameterRanges": [
            {"Name": "lr", "MinValue": "1e-05", "MaxValue": "0.1", "ScalingType": "Logarithmic"}
        ],
        "IntegerParameterRanges": [{"Name": "layers", "MinValue": "1", "MaxValue": "8"}],
        # As [hyperparameters] carries them, so that a program reads a number as a number and a text as a text
        "CategoricalParameterRanges": [{"Name": "size", "Values": ["16", '"16"', "true", "adam"]}],
    }


def test_a_trial_is_the_training_job_but_for_what_is_searched() -> None:
    job = make(**search(), hyperparameters={"epochs": 3}, checkpoints={"enabled": True})
    trial = request_of(job)["TrainingJobDefinition"]
    assert trial["StaticHyperParameters"] == {"epochs": "3"}
    assert trial["ResourceConfig"]["InstanceType"] == "ml.g5.xlarge"
    assert "CheckpointConfig" not in trial, "trials would load one another's"
    assert not any("CHECKPOINT" in name for name in trial["Environment"])
    assert trial["OutputDataConfig"]["S3OutputPath"] == f"s3://artifact-bucket/runs/{RUN}/job-trials/"


def test_the_objective_is_among_the_twenty_metrics_however_many_the_job_has() -> None:
    own = [{"name": f"m{number}", "regex": "(1)"} for number in range(20)]
    metrics = request_of(make(**search(), metrics=own))["TrainingJobDefinition"]["AlgorithmSpecification"]
    names = [one["Name"] for one in metrics["MetricDefinitions"]]
    assert names[0] == "validation_loss"
    assert len(names) == MOST_METRICS
    assert set(names[1:]) < {one["name"] for one in own}


def test_definitions_lay_their_values_over_the_job() -> None:
    trials = request_of(make(**EVERYTHING["several definitions"]))["TrainingJobDefinitions"]
    adam, sgd = trials
    assert adam["TuningObjective"] == {"Type": "Minimize", "MetricName": "validation_loss"}
    assert sgd["TuningObjective"] == {"Type": "Maximize", "MetricName": "accuracy"}
    assert adam["StaticHyperParameters"] == {"optimizer": "adam"}
    assert sgd["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600}
    assert sgd["RetryStrategy"] == {"MaximumRetryAttempts": 2}
    assert [one["Name"] for one in sgd["HyperParameterRanges"]["ContinuousParameterRanges"]] == ["lr", "momentum"]
    assert sgd["HyperParameterTuningResourceConfig"]["InstanceConfigs"] == [
        {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}
    ]


@pytest.mark.parametrize("job", ["a", "gpt", "mnist-tune-with-a-very-long-name-x"])
def test_a_tuning_jobs_name_fits_and_ends_with_its_run(job: str) -> None:
    name = tuning_job_name(job, RUN)
    assert len(name) <= 32
    assert name.endswith(f"-{RUN}")
    assert name.startswith(job[:11].rstrip("-"))


def test_shipped_searches_pass_botocore(shape: Shape) -> None:
    jobs = load_jobs(JOBS, "dev")
    for job in some(job for job in jobs if isinstance(job, JobSpec) and job.tuning is not None):
        assert ParamValidator().validate(request_of(job), shape).generate_report() == "", job.name
