"""`yard sweep` against real leftovers: an endpoint without a call, a notebook in service, a long job of nobody.

The deployed sweeper is given a clock that is four days ahead; all else of it is as deployed, its permissions included.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shardyard.spec import names
from tests.cloud.conftest import Cloud
from tests.support.cloud.yard_command import ROOT, Yard
from tests.support.clouds.training_cloud import MANIFEST
from tests.support.serving.model_server import PROGRAM

FUNCTION = names.function_name("shardyard", "dev", "sweep")
OURS = [{"Key": "project", "Value": "shardyard"}, {"Key": "stage", "Value": "dev"}]
NOW, LATER = b"datetime.now(UTC)", b"datetime.fromtimestamp(datetime.now(UTC).timestamp() + 4 * 86400, UTC)"


def packed(*, later: bool) -> bytes:
    """The functions' code as it is deployed."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path in sorted((ROOT / "constructs/shardyard").rglob("*")):
            name = path.relative_to(ROOT / "constructs").as_posix()
            wanted = name == "shardyard/__init__.py" or name.startswith(("shardyard/spec/", "shardyard/handlers/"))
            if path.is_file() and wanted and "__pycache__" not in name:
                content = path.read_bytes()
                if later and name == "shardyard/handlers/watching/sweep/index.py":
                    assert NOW in content
                    content = content.replace(NOW, LATER)
                archive.writestr(name, content)
    return out.getvalue()


@pytest.fixture
def four_days_later(deployed_cloud: Cloud) -> Iterator[None]:
    functions = deployed_cloud.client("lambda")
    functions.update_function_code(FunctionName=FUNCTION, ZipFile=packed(later=True))
    yield
    functions.update_function_code(FunctionName=FUNCTION, ZipFile=packed(later=False))


@pytest.fixture
def image(deployed_cloud: Cloud, tmp_path: Path) -> Iterator[str]:
    """The image of a small model server, in a project of its own."""
    folder = tmp_path / "containers" / "left-over"
    folder.mkdir(parents=True)
    (folder / "requirements.txt").write_text("")
    (folder / "run.py").write_text(PROGRAM)
    (folder / "Dockerfile").write_text(
        "FROM python:3.11-slim\nCOPY containers/left-over/run.py /opt/program/run.py\n"
        'ENTRYPOINT ["python", "/opt/program/run.py"]\n'
    )
    ecr = deployed_cloud.client("ecr")
    ecr.create_repository(repositoryName="left-over")
    ecr.put_image(repositoryName="left-over", imageManifest=json.dumps(MANIFEST), imageTag="1")
    deployed_cloud.admin("settings", project_root=str(tmp_path))
    yield "123456789012.dkr.ecr.us-east-1.amazonaws.com/left-over:1"
    deployed_cloud.admin("settings", project_root=str(ROOT))
    ecr.delete_repository(repositoryName="left-over", force=True)


@pytest.fixture
def left_over(deployed_cloud: Cloud, image: str) -> Iterator[Any]:
    """Two endpoints in service, of which one is another project's, and a notebook."""
    sagemaker = deployed_cloud.client("sagemaker")
    iam = deployed_cloud.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName="left-over", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    sagemaker.create_model(ModelName="left", PrimaryContainer={"Image": image}, ExecutionRoleArn=role)
    variant = {"VariantName": "a", "ModelName": "left", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(EndpointConfigName="left", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="left-endpoint", EndpointConfigName="left", Tags=OURS)
    sagemaker.create_endpoint(EndpointName="not-ours", EndpointConfigName="left")
    for name in ("left-endpoint", "not-ours"):
        sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 1})
    sagemaker.create_notebook_instance(
        NotebookInstanceName="left-notebook", InstanceType="ml.t3.medium", RoleArn=role, Tags=OURS
    )
    sagemaker.get_waiter("notebook_instance_in_service").wait(NotebookInstanceName="left-notebook")
    yield sagemaker
    sagemaker.delete_endpoint(EndpointName="not-ours")
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="not-ours", WaiterConfig={"Delay": 1})
    sagemaker.get_waiter("notebook_instance_stopped").wait(NotebookInstanceName="left-notebook")
    sagemaker.delete_notebook_instance(NotebookInstanceName="left-notebook")
    sagemaker.delete_endpoint_config(EndpointConfigName="left")
    sagemaker.delete_model(ModelName="left")
    iam.delete_role(RoleName="left-over")


def actions(found: dict[str, Any]) -> dict[str, str]:
    return {row["name"]: row["action"] for row in found["findings"]}


@pytest.mark.slow
@pytest.mark.usefixtures("four_days_later")
def test_leftovers_are_reported_and_stopped_when_asked(deployed_cloud: Cloud, left_over: Any) -> None:
    yard = Yard(env=deployed_cloud.env)
    assert actions(yard.json("sweep", "--json")) == {"left-endpoint": "reported", "left-notebook": "reported"}
    assert len(left_over.list_endpoints()["Endpoints"]) == 2
    stopped = actions(yard.json("sweep", "--stop", "--json"))
    assert stopped == {"left-endpoint": "deleted", "left-notebook": "stopped"}
    left_over.get_waiter("endpoint_deleted").wait(EndpointName="left-endpoint", WaiterConfig={"Delay": 1})
    assert [one["EndpointName"] for one in left_over.list_endpoints()["Endpoints"]] == ["not-ours"]
    assert "Nothing is left over." in yard("sweep").stderr
