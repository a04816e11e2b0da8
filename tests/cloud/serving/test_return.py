"""Endpoints come back with the cloud, and nobody reaches them whom IAM does not let."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from embedded import lifecycle
from tests.support.clouds.training_cloud import MANIFEST, TRUST, wait_until
from tests.support.serving.model_server import PROGRAM

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/server:1"
ALLOWED = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/kept"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    image = tmp_path / "project" / "containers" / "server"
    image.mkdir(parents=True)
    (image / "requirements.txt").write_text("")
    (image / "run.py").write_text(PROGRAM)
    (image / "Dockerfile").write_text(
        "FROM python:3.11-slim\nCOPY containers/server/run.py /opt/program/run.py\n"
        'ENTRYPOINT ["python", "/opt/program/run.py"]\n'
    )
    yield tmp_path / "state"
    lifecycle.down(tmp_path / "state")


def client(running: lifecycle.CloudState, service: str, **keys: str) -> Any:
    given = keys or {"aws_access_key_id": "test", "aws_secret_access_key": running.secret}
    return boto3.client(service, region_name="us-east-1", endpoint_url=running.endpoint, **given)


@pytest.mark.slow
def test_an_endpoint_serves_again_after_a_restart_and_iam_guards_it(folder: Path) -> None:
    project = folder.parent / "project"
    running = lifecycle.up(folder, project=project)
    ecr, sagemaker = client(running, "ecr"), client(running, "sagemaker")
    ecr.create_repository(repositoryName="server")
    ecr.put_image(repositoryName="server", imageManifest=json.dumps(MANIFEST), imageTag="1")
    role = client(running, "iam").create_role(RoleName="model", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    container = {"Image": IMAGE, "Environment": {"ANSWER": "kept"}}
    sagemaker.create_model(ModelName="kept", ExecutionRoleArn=role["Arn"], PrimaryContainer=container)
    main = {"VariantName": "main", "ModelName": "kept", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(EndpointConfigName="kept", ProductionVariants=[main])
    sagemaker.create_endpoint(EndpointName="kept", EndpointConfigName="kept", Tags=[{"Key": "a", "Value": "b"}])
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="kept", WaiterConfig={"Delay": 1})
    created = sagemaker.describe_endpoint(EndpointName="kept")["CreationTime"]
    lifecycle.down(folder)

    running = lifecycle.up(folder, project=project)
    sagemaker = client(running, "sagemaker")
    said = sagemaker.describe_endpoint(EndpointName="kept")
    assert said["EndpointStatus"] in ("SystemUpdating", "InService") and said["CreationTime"] == created
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="kept", WaiterConfig={"Delay": 1})
    assert sagemaker.list_tags(ResourceArn=said["EndpointArn"])["Tags"] == [{"Key": "a", "Value": "b"}]
    runtime = client(running, "sagemaker-runtime")
    assert runtime.invoke_endpoint(EndpointName="kept", Body=b"1")["Body"].read() == b"kept:1"

    lifecycle.admin(running, "enforce-iam", {"on": True})
    guarded = client(running, "sagemaker-runtime", **user(running))
    assert guarded.invoke_endpoint(EndpointName="kept", Body=b"1")["Body"].read() == b"kept:1"
    with pytest.raises(ClientError, match="not authorized to perform: sagemaker:InvokeEndpointAsync"):
        guarded.invoke_endpoint_async(EndpointName="kept", InputLocation="s3://b/k")
    with pytest.raises(ClientError, match="endpoint/other"):
        guarded.invoke_endpoint(EndpointName="other", Body=b"1")
    sagemaker.delete_endpoint(EndpointName="kept")
    wait_until(lambda: not sagemaker.list_endpoints()["Endpoints"], 40, "the endpoint's end")


def user(running: lifecycle.CloudState) -> dict[str, str]:
    """The keys of somebody who may invoke this endpoint alone."""
    iam = client(running, "iam")
    iam.create_user(UserName="caller")
    statement = {"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": ALLOWED}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="caller", PolicyName="invoke", PolicyDocument=document)
    key = iam.create_access_key(UserName="caller")["AccessKey"]
    return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
