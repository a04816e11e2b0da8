"""The official SDK, boto3 and the AWS command, unmodified, deploy models on the embedded cloud and are answered."""

import io
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import pytest
import torch
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from embedded import lifecycle
from tests.sdk.conftest import HERE, ROOT
from tests.support.cloud import aws_command
from tests.support.cloud.lent_packages import lend_packages
from tests.support.clouds.serving_cloud import packed
from tests.support.clouds.training_cloud import BUCKET, wait_until
from tests.support.clouds.transform_cloud import TransformCloud, transform_cloud
from tests.support.training.wheels import tiny_wheel

pytestmark = pytest.mark.sdk
WEB = ("boto3", "httptools", "numpy", "uvloop")
Answers = dict[str, Any]
PACKAGES = {"sklearn": (*WEB, "scikit-learn"), "pytorch": (*WEB, "torch")}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TransformCloud]:
    """A cloud where the folders of our images stand in for AWS's, with packages that are here already."""
    with transform_cloud(tmp_path_factory.mktemp("cloud")) as running:
        for image, packages in PACKAGES.items():
            shutil.copytree(ROOT / "containers" / image, running.project / "containers" / image)
            lend_packages(running, image, *packages)
        yield running
        running.delete_all()


@pytest.fixture(scope="module")
def env(cloud: TransformCloud) -> dict[str, str]:
    """What a client needs to know of the cloud."""
    return lifecycle.variables(cloud.state, cloud.folder) | {"SAGEMAKER_VALIDATE_ROLE": "false"}


def run(sdk: Any, env: dict[str, str], program: str, *arguments: str) -> dict[str, Any]:
    """Run a program in the SDK's environment; the JSON of its last line."""
    done = sdk(program, *arguments, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


@pytest.fixture(scope="module")
def flowers(cloud: TransformCloud, env: dict[str, str], sdk: Any, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """What ModelBuilder's endpoints and its batch answered."""
    data = load_iris()
    model = io.BytesIO()
    joblib.dump(LogisticRegression(max_iter=1000).fit(data.data, data.target), model)
    cloud.put("sdk/flowers/model.tar.gz", packed({"model.joblib": model.getvalue()}))
    source = tmp_path_factory.mktemp("source") / "sklearn"
    shutil.copytree(HERE / "own_serving" / "sklearn", source)
    names = ", ".join(repr(str(name)) for name in data.target_names)
    (source / "flowers-1.0-py3-none-any.whl").write_bytes(tiny_wheel("flowers", f"NAMES = [{names}]\n"))
    return run(sdk, env, "model_builder.py", cloud.role, BUCKET, str(source))


def test_a_model_builders_endpoint_answers_through_the_serializers(flowers: Answers) -> None:
    said = flowers["now"]
    assert (said["variant"], said["type"]) == ("AllTraffic", "text/csv")
    (first, sure), (second, _) = said["csv"]
    assert (first, second) == ("setosa", "virginica") and 0.9 < float(sure) < 1
    assert [(one["species"], str(one["probability"])) for one in said["json"]["predictions"]] == [
        tuple(row) for row in said["csv"]
    ]


def test_a_model_builders_asynchronous_endpoint_answers_in_s3(flowers: Answers) -> None:
    assert flowers["later"] == ",".join(flowers["now"]["csv"][1]) + "\n"


def test_a_model_builders_serverless_endpoint_answers_the_same(flowers: Answers) -> None:
    assert flowers["rarely"] == flowers["now"]


def test_a_model_builders_transformer_joins_and_captures(cloud: TransformCloud, flowers: Answers) -> None:
    rows = [f"{name},{','.join(row)}" for name, row in zip("ab", flowers["now"]["csv"], strict=True)]
    found = [row.split(",") for row in flowers["batch"].splitlines()]
    assert [",".join(row[:3]) for row in found] == rows
    assert len({uuid.UUID(row[3]) for row in found}) == 2, "the id that data capture adds"
    assert {"sdk/captured/input", "sdk/captured/output"} == {
        "/".join(k.split("/")[:3]) for k in cloud.keys("sdk/captured")
    }


def test_a_script_of_pytorch_by_the_core_resources(cloud: TransformCloud, env: dict[str, str], sdk: Any) -> None:
    script = (HERE / "own_serving" / "torch" / "inference.py").read_text()
    for name, weights in (("sums", [[1.0, 1.0], [1.0, -1.0]]), ("products", [[3.0, 0.0], [0.0, 3.0]])):
        model = io.BytesIO()
        torch.save({"fc.weight": torch.tensor(weights)}, model)
        archive = packed({"model.pth": model.getvalue(), "code/inference.py": script})
        cloud.put(f"sdk/{name}/model.tar.gz", archive)
    said = run(sdk, env, "core_endpoint.py", cloud.role, BUCKET)
    assert said["first"] == {"answer": [[3.0, -1.0]], "type": "application/json"}
    assert said["stream"] == [[3.0, -1.0]]
    assert said["refused"] == ["ModelError", 500]
    assert said["second"]["answer"] == [[3.0, 6.0]]
    assert (said["instances"], said["listed"]) == (2, ["sums"])
    lines = cloud.client("logs").filter_log_events(logGroupName="/aws/sagemaker/Endpoints/sums")["events"]
    assert "Done loading model" in {line["message"] for line in lines}


@pytest.fixture(scope="module")
def small(cloud: TransformCloud) -> str:
    """An endpoint of the tests' own small server."""
    cloud.serve("small", cloud.simple("small", "a"))
    return "small"


def test_boto3_reads_a_stream_part_by_part(env: dict[str, str], sdk: Any, small: str) -> None:
    said = run(sdk, env, "boto3_runtime.py", small)
    assert (said["whole"], said["type"]) == ("a:1,2", "text/csv")
    assert "".join(said["parts"]) == "one two three" and len(said["parts"]) > 1
    assert said["seconds"] > 0.05, "the first part did not wait for the last"
    assert said["failed"] == [500, "the model has a fault"]


@pytest.mark.parametrize("major", [1, 2], ids=["version 1", "version 2"])
def test_the_aws_command(cloud: TransformCloud, env: dict[str, str], small: str, tmp_path: Path, major: int) -> None:
    command = aws_command.newest(major)
    if command is None:
        pytest.skip(f"no version {major} of the AWS command is on the PATH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHONPATH"))}

    def aws(*arguments: str) -> Any:
        said = command.run(kept | env, *arguments, "--output", "json")
        return json.loads(said) if said.strip() else {}

    aws("sagemaker", "wait", "endpoint-in-service", "--endpoint-name", small)
    assert aws("sagemaker", "describe-endpoint", "--endpoint-name", small)["EndpointStatus"] == "InService"
    (tmp_path / "in.csv").write_text("7,8")
    asked = ("--endpoint-name", small, "--content-type", "text/csv", "--body", f"fileb://{tmp_path}/in.csv")
    answer = aws("sagemaker-runtime", "invoke-endpoint", *asked, str(tmp_path / "out"))
    assert (tmp_path / "out").read_text() == "a:7,8"
    assert (answer["InvokedProductionVariant"], answer["ContentType"]) == ("main", "text/plain")
    name = f"by-cli-{major}"
    container = f"Image={cloud.uri('server')},ModelDataUrl=s3://{BUCKET}/models/small.tar.gz,Environment={{NOTE=it}}"
    made = ("--execution-role-arn", cloud.role, "--primary-container", container)
    assert aws("sagemaker", "create-model", "--model-name", name, *made)["ModelArn"].endswith(f"model/{name}")
    variant = f"VariantName=main,ModelName={name},InitialInstanceCount=1,InstanceType=ml.m5.large"
    configuration = ("--endpoint-config-name", name, "--production-variants", variant)
    aws("sagemaker", "create-endpoint-config", *configuration)
    aws("sagemaker", "create-endpoint", "--endpoint-name", name, "--endpoint-config-name", name)
    assert cloud.settled(name)["EndpointStatus"] == "InService"
    listed = aws("sagemaker", "list-endpoints", "--name-contains", name)["Endpoints"]
    assert [one["EndpointStatus"] for one in listed] == ["InService"]
    aws("sagemaker", "delete-endpoint", "--endpoint-name", name)
    wait_until(lambda: name not in str(cloud.client("sagemaker").list_endpoints()), 20, f"the end of {name}")
