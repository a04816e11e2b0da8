"""Built-in algorithms by stand-ins in an environment of their own: a search, and what their models answer."""

import json
import random
from collections.abc import Iterator
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
    model(cloud, "boosted", IMAGE, f"s3://{BUCKET}/{key}")
    assert 0.5 < float(answered(cloud, "boosted", b"0.9,0.8", "text/csv", "text/csv")) < 1, "more than one together"


def model(cloud: TrainingCloud, name: str, image: str, data: str) -> None:
    given = {"Image": image, "ModelDataUrl": data}
    cloud.client("sagemaker").create_model(ModelName=name, ExecutionRoleArn=cloud.role, PrimaryContainer=given)


def answered(cloud: TrainingCloud, name: str, body: bytes, kind: str, accepted: str) -> bytes:
    """What an endpoint of a model says, with nothing asked about the answer's type."""
    sagemaker = cloud.client("sagemaker")
    variant = {"VariantName": "main", "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)

    def status() -> str:
        return str(sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"])

    wait_until(lambda: status() != "Creating", 60, "the endpoint")
    answer = cloud.client("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=body, ContentType=kind)
    said: bytes = answer["Body"].read()
    assert answer["ContentType"].startswith(accepted)
    sagemaker.delete_endpoint(EndpointName=name)
    wait_until(lambda: not sagemaker.list_endpoints()["Endpoints"], 30, "the endpoint's end")
    return said


def image_of(name: str) -> str:
    algorithm = BUILTIN[name]
    account = BUILTIN_REGISTRIES[algorithm.registry]["us-east-1"]
    return f"{account}.dkr.ecr.us-east-1.amazonaws.com/{algorithm.repository}:1"


def test_stand_ins_train_and_answer_in_the_formats_of_their_algorithms(cloud: TrainingCloud) -> None:
    """BlazingText on an endpoint, K-Means in a batch transform."""
    cloud.put("texts/train/train", "\n".join(f"__label__{word} the {word}" for word in ("sun", "rain") * 20))
    cloud.put("points/train/train.csv", "\n".join(f"{x % 2 * 10},{x % 2 * 10}" for x in range(30)))
    of_texts = {"mode": "supervised", "min_count": "1", "vector_dim": "8", "learning_rate": "0.3"}
    for name, algorithm, given, kind in (
        ("texts", "blazingtext", of_texts, "text/plain"),
        ("points", "kmeans", {"k": "2", "feature_dim": "2"}, "text/csv;label_size=0"),
    ):
        train = channel("train", f"{name}/train/", extra={"ContentType": kind})
        cloud.create(name, image_of(algorithm), HyperParameters=given, InputDataConfig=[train])
    jobs = {name: cloud.finished(name, seconds=900) for name in ("texts", "points")}
    for name, algorithm, metric in (("texts", "blazingtext", "train:accuracy"), ("points", "kmeans", "train:msd")):
        assert jobs[name]["TrainingJobStatus"] == "Completed", jobs[name].get("FailureReason")
        assert [one["MetricName"] for one in jobs[name]["FinalMetricDataList"]] == [metric]
        assert cloud.lines(name)["algo-1"][0].endswith(f"stands in for {algorithm} on the embedded cloud.")
        model(cloud, name, image_of(algorithm), jobs[name]["ModelArtifacts"]["S3ModelArtifacts"])
    asked = json.dumps({"instances": ["the rain"], "configuration": {"k": 2}}).encode()
    [text] = json.loads(answered(cloud, "texts", asked, "application/json", "application/json"))
    assert text["label"] == ["__label__rain", "__label__sun"] and text["prob"][0] > 0.5
    assert list(transformed(cloud, "points", b"0,0\n10,10\n13,14\n")) == [0, 0, 5]


def transformed(cloud: TrainingCloud, name: str, rows: bytes) -> Iterator[float]:
    """How far each row is from its centre, as a batch transform writes it: a line of JSON for each."""
    cloud.put(f"in/{name}/rows.csv", rows)
    sagemaker = cloud.client("sagemaker")
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/in/{name}/"}}
    output = {"S3OutputPath": f"s3://{BUCKET}/out/{name}", "Accept": "application/jsonlines", "AssembleWith": "Line"}
    sagemaker.create_transform_job(
        TransformJobName=name,
        ModelName=name,
        BatchStrategy="SingleRecord",
        TransformInput={"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
        TransformOutput=output,
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )

    def said() -> dict[str, str]:
        told: dict[str, str] = sagemaker.describe_transform_job(TransformJobName=name)
        return told

    wait_until(lambda: said()["TransformJobStatus"] != "InProgress", 60, "the transform job")
    assert said()["TransformJobStatus"] == "Completed", said().get("FailureReason")
    for line in cloud.get(f"out/{name}/rows.csv.out").splitlines():
        yield pytest.approx(json.loads(line)["distance_to_cluster"], abs=1e-6)
