"""Built-in algorithms by stand-ins: a search over XGBoost by its metric's name alone, in an environment of its own."""

import random
from pathlib import Path

import pytest

from shardyard.spec.catalogue.builtin import BUILTIN, BUILTIN_REGISTRIES
from tests.support.clouds.training_cloud import BUCKET, TrainingCloud, channel, wait_until
from tests.support.clouds.tuning_cloud import config, continuous, definition, limits, objective, training_jobs, tune

pytestmark = pytest.mark.e2e
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"


def test_xgboost_is_tuned_for_a_metric_that_nobody_defines(cloud: TrainingCloud) -> None:
    dice = random.Random(0)
    rows = [(dice.random(), dice.random()) for _ in range(200)]
    text = "\n".join(f"{int(a + b > 1)},{a:.3f},{b:.3f}" for a, b in rows)
    for part in ("train", "validation"):
        cloud.put(f"xgb/{part}/{part}.csv", text)
    channels = [channel(part, f"xgb/{part}/", extra={"ContentType": "text/csv"}) for part in ("train", "validation")]
    training = definition(cloud, IMAGE, InputDataConfig=channels)
    training["StaticHyperParameters"] = {"num_round": "15", "objective": "binary:logistic", "max_depth": "3"}
    del training["AlgorithmSpecification"]["MetricDefinitions"]
    tuning = config(
        Strategy="Bayesian",
        HyperParameterTuningJobObjective=objective("validation:auc", "Maximize"),
        ParameterRanges=continuous("eta", "0.05", "0.5"),
        **limits(2, 2),
    )
    said = tune(cloud, "boosted", tuning, training, seconds=900)  # its packages are installed first
    assert said["HyperParameterTuningJobStatus"] == "Completed", (said, training_jobs(cloud, "boosted"))
    best = said["BestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] > 0.95
    job = cloud.describe(best["TrainingJobName"])
    assert any("stands in for xgboost" in entry["StatusMessage"] for entry in job["SecondaryStatusTransitions"])
    assert "validation:auc" in [one["Name"] for one in job["AlgorithmSpecification"]["MetricDefinitions"]]
    lines = cloud.lines(best["TrainingJobName"])["algo-1"]
    assert lines[0].startswith("This is no built-in algorithm") and lines[-1].startswith("[14]#011train-auc:")
    key = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix(f"s3://{BUCKET}/")
    assert Path(key).name == "model.tar.gz" and cloud.keys(key) == [key]
    assert 0.5 < float(answered(cloud, f"s3://{BUCKET}/{key}", b"0.9,0.8")) < 1, "more than one together"


def answered(cloud: TrainingCloud, model: str, row: bytes) -> bytes:
    """What an endpoint of the algorithm's own image and this model says to a row of CSV."""
    sagemaker, given = cloud.client("sagemaker"), {"Image": IMAGE, "ModelDataUrl": model}
    sagemaker.create_model(ModelName="boosted", ExecutionRoleArn=cloud.role, PrimaryContainer=given)
    variant = {"VariantName": "main", "ModelName": "boosted", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(EndpointConfigName="boosted", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="boosted", EndpointConfigName="boosted")

    def status() -> str:
        return str(sagemaker.describe_endpoint(EndpointName="boosted")["EndpointStatus"])

    wait_until(lambda: status() != "Creating", 60, "the endpoint")
    answer = cloud.client("sagemaker-runtime").invoke_endpoint(EndpointName="boosted", Body=row, ContentType="text/csv")
    said: bytes = answer["Body"].read()
    assert answer["ContentType"].startswith("text/csv")
    sagemaker.delete_endpoint(EndpointName="boosted")
    wait_until(lambda: not sagemaker.list_endpoints()["Endpoints"], 30, "the endpoint's end")
    return said


def test_texts_are_told_apart_by_a_stand_in_for_blazingtext(cloud: TrainingCloud) -> None:
    cloud.put("texts/train/train", "\n".join(f"__label__{word} the {word}" for word in ("sun", "rain") * 20))
    algorithm = BUILTIN["blazingtext"]
    account = BUILTIN_REGISTRIES[algorithm.registry]["us-east-1"]
    image = f"{account}.dkr.ecr.us-east-1.amazonaws.com/{algorithm.repository}:1"
    given = {"mode": "supervised", "min_count": "1", "vector_dim": "8"}
    train = channel("train", "texts/train/", extra={"ContentType": "text/plain"})
    cloud.create("texts", image, HyperParameters=given, InputDataConfig=[train])
    job = cloud.finished("texts", seconds=900)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert [one["MetricName"] for one in job["FinalMetricDataList"]] == ["train:accuracy"]
    assert cloud.lines("texts")["algo-1"][0].endswith("stands in for blazingtext on the embedded cloud.")
