"""A tuning job kept over a restart, and what a warm start asks of its parents."""

import pickle
from typing import Any

import pytest

from embedded.kept.pickles import dumps
from embedded.services.sagemaker.tuning.job import TuningJob
from embedded.services.sagemaker.tuning.validation.warm_start import check_warm_start

ROLE = "arn:aws:iam::123456789012:role/r"


def request(name: str = "t", **fields: Any) -> dict[str, Any]:
    """A request with one tuned and one static hyperparameter; `statics`, `ranges`, `image` and `kind` change it."""
    ranges = {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]}
    objective = {"Type": "Minimize", "MetricName": fields.get("metric", "loss")}
    parents = [{"HyperParameterTuningJobName": "parent"}]
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "ResourceLimits": {"MaxNumberOfTrainingJobs": fields.get("most", 4), "MaxParallelTrainingJobs": 2},
            "HyperParameterTuningJobObjective": objective,
            "ParameterRanges": fields.get("ranges", ranges),
        },
        "TrainingJobDefinition": {
            "StaticHyperParameters": fields.get("statics", {"epochs": "1"}),
            "AlgorithmSpecification": {"TrainingImage": fields.get("image", "i"), "TrainingInputMode": "File"},
            "RoleArn": ROLE,
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        },
        "WarmStartConfig": {
            "ParentHyperParameterTuningJobs": parents,
            "WarmStartType": fields.get("kind", "IdenticalDataAndAlgorithm"),
        },
    }


def job(name: str = "t", **fields: Any) -> TuningJob:
    made = TuningJob("123456789012", "us-east-1", request(name, **fields), [])
    made.finish("Completed")
    return made


def test_a_job_that_ran_when_the_cloud_ended_has_failed_when_it_is_back() -> None:
    running = TuningJob("123456789012", "us-east-1", request(), [])
    found = pickle.loads(dumps(running))
    found.fail_after_restart("InternalServerError")
    said = found.describe()
    assert (said["HyperParameterTuningJobStatus"], said["FailureReason"]) == ("Failed", "InternalServerError")
    assert said["ConsumedResources"] == {"RuntimeInSeconds": 0} and said["HyperParameterTuningEndTime"]
    ended = job()
    ended.fail_after_restart("InternalServerError")
    assert ended.describe()["HyperParameterTuningJobStatus"] == "Completed"


INTEGER = {"IntegerParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "9"}]}
COLOURS = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["a", "b", "c", "d"]}]}


@pytest.mark.parametrize(
    ("parent", "child", "said"),
    [
        ({}, {}, None),
        ({}, {"statics": {"epochs": "9"}}, None),
        ({}, {"most": 501}, "There can be at most 500 training jobs, those of all parents included, not 501."),
        (
            {"metric": "mse"},
            {},
            "that of parent tuning job parent, Minimize mse, not Minimize loss",
        ),
        ({}, {"statics": {}}, "they differ in epochs."),
        ({}, {"ranges": INTEGER}, "The type of hyperparameter x must be that of parent tuning job parent."),
        ({"image": "other"}, {}, "IdenticalDataAndAlgorithm needs the training image of parent tuning job parent."),
        ({"image": "other"}, {"kind": "TransferLearning"}, None),
        (
            {"ranges": COLOURS, "statics": {f"s{index}": "1" for index in range(4)}},
            {"ranges": COLOURS, "statics": {f"s{index}": str(index + 2) for index in range(4)}},
            None,
        ),
        (
            {"ranges": COLOURS, "statics": {f"s{index}": "1" for index in range(6)}},
            {"ranges": COLOURS, "statics": {f"s{index}": "2" for index in range(6)}},
            "there are 12 changes of tuned hyperparameters to static ones and of static values",
        ),
    ],
)
def test_a_warm_start_asks_for_what_the_guide_says(
    parent: dict[str, Any], child: dict[str, Any], said: str | None
) -> None:
    problems = list(check_warm_start(request(**child), [job("parent", **parent)]))
    assert problems == [] if said is None else said in problems[0]


def test_parents_must_have_ended_and_differ() -> None:
    running = TuningJob("123456789012", "us-east-1", request("parent"), [])
    problems = list(check_warm_start(request(), [running, running]))
    assert problems[0] == "ParentHyperParameterTuningJobs must be different ones, not parent, parent."
    assert problems[1] == "Parent tuning job parent must have ended; its status is InProgress."
