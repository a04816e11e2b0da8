"""examples/own-app, deployed with the real command beside what the team had before: an object arrives, a job runs."""

import io
import json
import tarfile
from typing import Any

import pytest

from tests.support.cloud.house import short_waits, wait_until
from tests.support.own_app import copy_own_app

pytestmark = pytest.mark.e2e
BUCKET, ROLE = "counting-team-data", "counting-team"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:counting-dev-count"


def make_what_the_team_has(cloud: Any) -> dict[str, Any]:
    """A bucket, a role that SageMaker may assume, and a VPC with two subnets; as the app's context names them."""
    ec2, iam = cloud.client("ec2"), cloud.client("iam")
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnets = {
        zone: ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for number, zone in enumerate(("us-east-1a", "us-east-1b"))
    }
    return {"bucket": BUCKET, "role": role, "vpc": vpc, "subnets": subnets}


def test_an_object_that_arrives_launches_the_job(bootstrapped_cloud: Any, tmp_path: Any) -> None:
    cloud = bootstrapped_cloud
    short_waits(cloud)
    folder = copy_own_app(tmp_path / "own-app", **make_what_the_team_has(cloud))
    done = cloud.cdk("deploy", "--require-approval", "never", root=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    sfn, s3 = cloud.client("stepfunctions"), cloud.client("s3")

    s3.put_object(Bucket=BUCKET, Key="elsewhere/one.txt", Body=b"not for the job")
    s3.put_object(Bucket=BUCKET, Key="words/one.txt", Body=b"to be or not to be")

    wait_until(lambda: sfn.list_executions(stateMachineArn=MACHINE)["executions"], "an execution")
    (execution,) = sfn.list_executions(stateMachineArn=MACHINE)["executions"]
    arn = execution["executionArn"]
    wait_until(lambda: sfn.describe_execution(executionArn=arn)["status"] != "RUNNING", f"the end of {arn}")
    ended = sfn.describe_execution(executionArn=arn)
    assert ended["status"] == "SUCCEEDED", ended

    sagemaker = cloud.client("sagemaker")
    trained = sagemaker.list_training_jobs(NameContains="count-")["TrainingJobSummaries"]
    (name,) = [job["TrainingJobName"] for job in trained if job["TrainingJobName"].startswith("count-")]
    described = sagemaker.describe_training_job(TrainingJobName=name)
    assert described["RoleArn"].endswith(f"role/{ROLE}")
    place = described["ModelArtifacts"]["S3ModelArtifacts"].removeprefix(f"s3://{BUCKET}/")
    packed = s3.get_object(Bucket=BUCKET, Key=place)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(packed)) as model:
        found = model.extractfile("words.json")
        assert found is not None
        assert json.load(found) == {"to": 2, "be": 2, "or": 1, "not": 1}
