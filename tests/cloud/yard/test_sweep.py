"""`yard sweep` against real leftovers: an endpoint without a call, a notebook in service, a long job of nobody.

The deployed sweeper is given a clock that is four days ahead; all else of it is as deployed, its permissions included.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from shardyard.spec import names
from tests.cloud.conftest import Cloud
from tests.support.cloud.yard_command import ROOT, Yard

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
def left_over(deployed_cloud: Cloud) -> Iterator[Any]:
    """Two endpoints, of which one is another project's, and a notebook."""
    sagemaker = deployed_cloud.client("sagemaker")
    iam = deployed_cloud.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName="left-over", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    image = {"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/x:1"}
    sagemaker.create_model(ModelName="left", PrimaryContainer=image, ExecutionRoleArn=role)
    variant = {"VariantName": "a", "ModelName": "left", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(EndpointConfigName="left", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="left-endpoint", EndpointConfigName="left", Tags=OURS)
    sagemaker.create_endpoint(EndpointName="not-ours", EndpointConfigName="left")
    sagemaker.create_notebook_instance(
        NotebookInstanceName="left-notebook", InstanceType="ml.t3.medium", RoleArn=role, Tags=OURS
    )
    sagemaker.get_waiter("notebook_instance_in_service").wait(NotebookInstanceName="left-notebook")
    yield sagemaker
    sagemaker.delete_endpoint(EndpointName="not-ours")
    sagemaker.get_waiter("notebook_instance_stopped").wait(NotebookInstanceName="left-notebook")
    sagemaker.delete_notebook_instance(NotebookInstanceName="left-notebook")
    sagemaker.delete_endpoint_config(EndpointConfigName="left")
    sagemaker.delete_model(ModelName="left")
    iam.delete_role(RoleName="left-over")


def actions(found: dict[str, Any]) -> dict[str, str]:
    return {row["name"]: row["action"] for row in found["findings"]}


@pytest.mark.usefixtures("four_days_later")
def test_leftovers_are_reported_and_stopped_when_asked(deployed_cloud: Cloud, left_over: Any) -> None:
    yard = Yard(env=deployed_cloud.env)
    assert actions(yard.json("sweep", "--json")) == {"left-endpoint": "reported", "left-notebook": "reported"}
    assert len(left_over.list_endpoints()["Endpoints"]) == 2
    stopped = actions(yard.json("sweep", "--stop", "--json"))
    assert stopped == {"left-endpoint": "deleted", "left-notebook": "stopped"}
    assert [one["EndpointName"] for one in left_over.list_endpoints()["Endpoints"]] == ["not-ours"]
    assert "Nothing is left over." in yard("sweep").stderr
