"""With roles enforced, what the execution role may not do fails here as it would on AWS."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.clouds.training_cloud import BUCKET, LOG_GROUP, TRUST, TrainingCloud, channel


@pytest.fixture(scope="module")
def cloud(cloud: TrainingCloud) -> TrainingCloud:
    cloud.put("data/a", "a")
    cloud.admin("enforce-iam", on=True)
    return cloud


def role(cloud: TrainingCloud, name: str, *actions: str) -> str:
    iam = cloud.client("iam")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    statement: dict[str, Any] = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    if actions:
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document)
    return arn


def test_a_role_that_may_not_list_the_data(cloud: TrainingCloud) -> None:
    arn = role(cloud, "blind")
    with pytest.raises(ClientError, match=r'that the role ".*role/blind" has "s3:ListBucket" permissions on bucket'):
        cloud.create("blind", cloud.image("quick", ""), RoleArn=arn, InputDataConfig=[channel("train", "data")])


def test_a_role_that_may_not_write_the_model_or_the_logs(cloud: TrainingCloud) -> None:
    described = cloud.run("mute", cloud.image("quick", "print('hello')"), RoleArn=role(cloud, "mute"))
    assert described["TrainingJobStatus"] == "Failed"
    assert described["FailureReason"].startswith("ClientError:")
    assert "AccessDenied" in described["FailureReason"]
    groups = cloud.client("logs").describe_log_groups(logGroupNamePrefix=LOG_GROUP)["logGroups"]
    assert groups == [], "nothing was logged, and the job did not fail over it"


def test_a_role_that_may_do_all_that_a_job_needs(cloud: TrainingCloud) -> None:
    arn = role(cloud, "able", "s3:*", "logs:*", "cloudwatch:PutMetricData")
    program = "import os; print(os.listdir('/opt/ml/input/data/train'))"
    config = {"S3Uri": f"s3://{BUCKET}/checkpoints"}
    described = cloud.run(
        "able",
        cloud.image("reading", program),
        RoleArn=arn,
        InputDataConfig=[channel("train", "data")],
        CheckpointConfig=config,
    )
    assert described["TrainingJobStatus"] == "Completed", described.get("FailureReason")
    assert cloud.lines("able")["algo-1"] == ["['a']"]
