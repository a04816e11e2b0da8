"""What mnist-ddp learned, served by the runtime of our own image: behind endpoints of every kind, and in a batch."""

import io
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import pytest

from tests.support.cloud.house import House, wait_until
from tests.support.cloud.yard_command import Yard
from training.programs.make_digits import real_digits
from yard.runs import runs

pytestmark = pytest.mark.e2e
_FEWEST_RIGHT = 0.6
"""Of the test digits after three epochs; one answered by chance is right in a tenth."""


def test_a_trained_model_answers_an_endpoints_requests_and_a_transform_jobs(
    shipped: House, undisturbed: runs.Run, tmp_path: Path
) -> None:
    yard = Yard(env=shipped.cloud.env)
    images, labels = real_digits(test=True)
    digits = tmp_path / "digits.npy"
    numpy.save(digits, images)

    # The endpoint: one deploy, and every test digit in one request
    ended = yard.json("deploy", "digits", "--run", undisturbed.run_id, "--yes", "--json")
    assert (ended["verdict"], ended["status"]) == ("served", "InService")
    sent = yard("invoke", "digits", str(digits))
    assert "main answered" in sent.stderr
    online = numpy.array(json.loads(sent.stdout))
    assert online.shape == (len(images), 10)
    assert (online.argmax(axis=1) == labels).mean() > _FEWEST_RIGHT
    assert "serves with PyTorch" in yard("endpoint", "logs", "digits").stdout
    refused = yard("invoke", "digits", "--json", "[[1, 2]]", code=1)
    assert "the model takes rows of 28 x 28, and the request has the shape [1, 2]" in refused.stderr

    # One record by hand, through the endpoint
    yard("data", "sample", "digits-transform", str(tmp_path / "sample"))
    rows = sorted((tmp_path / "sample").rglob("*.jsonl"))
    tried = yard.json("transform", "try", "digits-transform", str(rows[0]), "--endpoint", "digits", "--json")
    assert json.loads(tried["result"])["SageMakerOutput"] == pytest.approx(online[0], abs=1e-3)
    yard("endpoint", "delete", "digits", "--yes")

    # The batch: one answer a row, beside its id. `latest` may be a later test's model, so only the truth is asked
    launched = yard.json("run", "digits-transform", "--yes", "--json")
    done = shipped.finish(runs.find(shipped.aws, launched["run"]))
    assert done.status == "SUCCEEDED", done.cause
    yard("outputs", "get", launched["run"], "--to", str(tmp_path / "out"))
    lines = [line for path in (tmp_path / "out").rglob("*.out") for line in path.read_text().splitlines()]
    answers = {one["id"]: one["SageMakerOutput"] for one in map(json.loads, lines)}
    assert len(lines) == len(answers) == len(images)
    offline = numpy.array([answers[number] for number in range(len(images))])
    assert (offline.argmax(axis=1) == labels).mean() > _FEWEST_RIGHT


NPY = "application/x-npy"


@dataclass(frozen=True)
class Trained:
    """A model of a run, and endpoints of it that no file describes."""

    house: House
    container: Mapping[str, Any]
    role: str

    @property
    def archive(self) -> tuple[str, str]:
        """The bucket and the key of the model."""
        bucket, _, key = self.container["ModelDataUrl"].removeprefix("s3://").partition("/")
        return bucket, key

    def serve(self, fields: Mapping[str, Any], *, container: Mapping[str, Any] = {}, **config: Any) -> str:
        """An endpoint of one variant, in service."""
        name, sagemaker = f"kind-{uuid.uuid4().hex[:8]}", self.house.cloud.client("sagemaker")
        sagemaker.create_model(
            ModelName=name, ExecutionRoleArn=self.role, PrimaryContainer={**self.container, **container}
        )
        main = {"VariantName": "main", "ModelName": name, **fields}
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[main], **config)
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        sagemaker.get_waiter("endpoint_in_service").wait(
            EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
        )
        return name


def role(iam: Any) -> str:
    """A role that reads and writes wherever these tests put something: no file's own."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    name = f"kinds-{uuid.uuid4().hex[:8]}"
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    actions = ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "kms:*", "ecr:*", "logs:*", "cloudwatch:PutMetricData"]
    allowed = document({"Effect": "Allow", "Action": actions, "Resource": "*"})
    iam.put_role_policy(RoleName=name, PolicyName="kinds", PolicyDocument=allowed)
    return arn


def document(statement: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="module")
def trained(shipped: House, undisturbed: runs.Run) -> Iterator[Trained]:
    job = shipped.attempts(undisturbed)[0]
    image, model = job["AlgorithmSpecification"]["TrainingImage"], job["ModelArtifacts"]["S3ModelArtifacts"]
    yield Trained(shipped, {"Image": image, "ModelDataUrl": model}, role(shipped.cloud.client("iam")))
    sagemaker = shipped.cloud.client("sagemaker")
    for one in sagemaker.list_endpoints(NameContains="kind-")["Endpoints"]:
        sagemaker.delete_endpoint(EndpointName=one["EndpointName"])


@pytest.fixture(scope="module")
def digits() -> tuple[bytes, Any]:
    """Every test digit in one body, and what each is."""
    images, labels = real_digits(test=True)
    body = io.BytesIO()
    numpy.save(body, images)
    return body.getvalue(), labels


def right(answer: bytes, labels: Any) -> float:
    """The part of the digits that an answer names rightly."""
    scores = numpy.array(json.loads(answer))
    assert scores.shape == (len(labels), 10)
    return float((scores.argmax(axis=1) == labels).mean())


def test_a_serverless_endpoint_answers(trained: Trained, digits: tuple[bytes, Any]) -> None:
    name = trained.serve({"ServerlessConfig": {"MemorySizeInMB": 3072, "MaxConcurrency": 2}})
    runtime = trained.house.cloud.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName=name, Body=digits[0], ContentType=NPY)["Body"].read()
    assert right(answer, digits[1]) > _FEWEST_RIGHT


def test_an_asynchronous_endpoint_answers_in_the_bucket(trained: Trained, digits: tuple[bytes, Any]) -> None:
    bucket = trained.archive[0]
    s3, runtime = (trained.house.cloud.client(service) for service in ("s3", "sagemaker-runtime"))
    s3.put_object(Bucket=bucket, Key="asynchronous/digits.npy", Body=digits[0])
    output = {"OutputConfig": {"S3OutputPath": f"s3://{bucket}/asynchronous/out"}}
    one = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    name = trained.serve(one, AsyncInferenceConfig=output)
    place = f"s3://{bucket}/asynchronous/digits.npy"
    asked = runtime.invoke_endpoint_async(EndpointName=name, InputLocation=place, ContentType=NPY)
    key = asked["OutputLocation"].removeprefix(f"s3://{bucket}/")
    wait_until(lambda: bool(s3.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"]), "the answer", seconds=60)
    assert right(s3.get_object(Bucket=bucket, Key=key)["Body"].read(), digits[1]) > _FEWEST_RIGHT


def test_many_models_share_a_container(trained: Trained, digits: tuple[bytes, Any]) -> None:
    s3, runtime = (trained.house.cloud.client(service) for service in ("s3", "sagemaker-runtime"))
    bucket, key = trained.archive
    for model in ("one.tar.gz", "two.tar.gz"):
        s3.copy_object(Bucket=bucket, Key=f"many/{model}", CopySource={"Bucket": bucket, "Key": key})
    container = {"Mode": "MultiModel", "ModelDataUrl": f"s3://{bucket}/many/"}
    name = trained.serve({"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}, container=container)
    for model in ("one.tar.gz", "two.tar.gz", "one.tar.gz"):
        answer = runtime.invoke_endpoint(EndpointName=name, Body=digits[0], ContentType=NPY, TargetModel=model)
        assert right(answer["Body"].read(), digits[1]) > _FEWEST_RIGHT
    with pytest.raises(runtime.exceptions.ValidationError):
        runtime.invoke_endpoint(EndpointName=name, Body=digits[0], ContentType=NPY, TargetModel="three.tar.gz")
