"""What tests of tuning jobs share: programs that report an objective, requests, and the wait for an end."""

from typing import Any

from tests.support.clouds.training_cloud import BUCKET, TERMINAL, TrainingCloud, wait_until

PARABOLA = """
import json
given = json.load(open("/opt/ml/input/config/hyperparameters.json"))
print("given", json.dumps(given, sort_keys=True))
x = float(given["x"])
for epoch in range(int(given.get("epochs", 1))):
    print(f"loss={(x - 0.3) ** 2 + 1.0 / (epoch + 1)};", flush=True)
"""
"""A loss that is least at x = 0.3, and better with each epoch."""


def objective(name: str = "loss", kind: str = "Minimize") -> dict[str, str]:
    """What is searched for."""
    return {"Type": kind, "MetricName": name}


def continuous(name: str = "x", low: str = "0", high: str = "1", **more: str) -> dict[str, Any]:
    """One continuous range."""
    return {"ContinuousParameterRanges": [{"Name": name, "MinValue": low, "MaxValue": high, **more}]}


def definition(cloud: TrainingCloud, image: str, **fields: Any) -> dict[str, Any]:
    """A TrainingJobDefinition whose training jobs report `loss`."""
    return {
        "StaticHyperParameters": {"epochs": "1"},
        "AlgorithmSpecification": {
            "TrainingImage": image,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.e-]+);"}],
        },
        "RoleArn": cloud.role,
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    } | fields


def config(**fields: Any) -> dict[str, Any]:
    """A HyperParameterTuningJobConfig: a random search of four training jobs, two at once."""
    return {
        "Strategy": "Random",
        "HyperParameterTuningJobObjective": objective(),
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
        "ParameterRanges": continuous(),
        "RandomSeed": 7,
    } | fields


def limits(most: int | None, at_once: int, **more: int) -> dict[str, Any]:
    """The field ResourceLimits of a configuration."""
    jobs = {} if most is None else {"MaxNumberOfTrainingJobs": most}
    return {"ResourceLimits": {**jobs, "MaxParallelTrainingJobs": at_once, **more}}


def describe(cloud: TrainingCloud, name: str) -> dict[str, Any]:
    """What the service says of a tuning job."""
    said: dict[str, Any] = cloud.client("sagemaker").describe_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name
    )
    return said


def finished(cloud: TrainingCloud, name: str, seconds: float = 120) -> dict[str, Any]:
    """Wait for a tuning job's end."""
    wait_until(
        lambda: describe(cloud, name)["HyperParameterTuningJobStatus"] in TERMINAL, seconds, f"the end of {name}"
    )
    return describe(cloud, name)


def tune(
    cloud: TrainingCloud, name: str, tuning: dict[str, Any], training: Any, *, seconds: float = 120, **more: Any
) -> dict[str, Any]:
    """Run a tuning job to its end."""
    place = "TrainingJobDefinitions" if isinstance(training, list) else "TrainingJobDefinition"
    cloud.client("sagemaker").create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name, HyperParameterTuningJobConfig=tuning, **{place: training}, **more
    )
    return finished(cloud, name, seconds)


def training_jobs(cloud: TrainingCloud, name: str, **order: Any) -> list[dict[str, Any]]:
    """The summaries of a tuning job's training jobs, on one page."""
    found: list[dict[str, Any]] = cloud.client("sagemaker").list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name, MaxResults=100, **order
    )["TrainingJobSummaries"]
    return found
