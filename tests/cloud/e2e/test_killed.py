"""The cloud is killed at random moments while objects are put and stacks are deployed: nothing acknowledged is lost."""

import json
import os
import random
import signal
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from embedded import lifecycle
from tests.cloud.conftest import Cloud, start
from tests.support.clouds.training_cloud import wait_until

pytestmark = pytest.mark.e2e
ROUNDS = int(os.environ.get("YARD_KILLS", "10"))
SEED = int(os.environ.get("YARD_KILL_SEED", "13"))
ENDED = ("COMPLETE", "FAILED")


def template(number: int) -> str:
    allowed = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    resources: dict[str, Any] = {
        "Box": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": f"box-{number}"}},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": [allowed]}}},
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            },
        },
    }
    for index in range(6):
        resources[f"Topic{index}"] = {"Type": "AWS::SNS::Topic", "DependsOn": "Role"}
    return json.dumps({"Resources": resources})


class Busy:
    """Somebody who puts objects and deploys, and remembers what the cloud has acknowledged."""

    def __init__(self, cloud: Cloud, number: int, objects: dict[tuple[str, str], bytes]) -> None:
        self.cloud, self.number, self.objects = cloud, number, objects
        self.threads = [threading.Thread(target=one, daemon=True) for one in (self._put, self._deploy)]

    def _put(self) -> None:
        s3 = self.cloud.client("s3")
        bucket, sequence = f"data-{self.number}", 0
        try:
            s3.create_bucket(Bucket=bucket)
            while True:
                body = os.urandom(random.randrange(1, 50_000))
                key = f"{sequence % 7}"
                # what is on its way when the cloud dies may be there or not
                self.objects.pop((bucket, key), None)
                s3.put_object(Bucket=bucket, Key=key, Body=body)
                self.objects[bucket, key] = body
                sequence += 1
        except (ClientError, BotoCoreError):
            return

    def _deploy(self) -> None:
        stacks = self.cloud.client("cloudformation")
        try:
            stacks.create_stack(
                StackName=f"stack-{self.number}", TemplateBody=template(self.number), Capabilities=["CAPABILITY_IAM"]
            )
        except (ClientError, BotoCoreError):
            return


def kill(cloud: Cloud) -> None:
    os.kill(cloud.state.pid, signal.SIGKILL)
    os.waitpid(cloud.state.pid, 0)


def test_no_acknowledged_object_is_lost_and_every_stack_can_be_deleted(tmp_path: Path) -> None:
    moments, objects = random.Random(SEED), dict[tuple[str, str], bytes]()
    there = 0
    try:
        for number in range(ROUNDS):
            busy = Busy(start(tmp_path), number, objects)
            for thread in busy.threads:
                thread.start()
            time.sleep(moments.uniform(0.05, 3.0))
            kill(busy.cloud)
            for thread in busy.threads:
                thread.join(30)
            again = start(tmp_path)
            s3, stacks = again.client("s3"), again.client("cloudformation")
            for (bucket, key), body in objects.items():
                assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == body, (number, bucket, key)
            for stack in stacks.describe_stacks()["Stacks"]:
                there += 1
                assert stack["StackStatus"].endswith(ENDED), stack
                stacks.delete_stack(StackName=stack["StackId"])
                wait_until(partial(_gone, stacks, stack["StackId"]), 60, f"the end of {stack['StackName']}")
            lifecycle.down(tmp_path)
    finally:
        lifecycle.down(tmp_path)
    print(f"{ROUNDS} kills: {len(objects)} objects acknowledged and found, {there} stacks found and deleted")
    assert len(objects) > ROUNDS


def _gone(stacks: Any, arn: str) -> bool:
    status = str(stacks.describe_stacks(StackName=arn)["Stacks"][0]["StackStatus"])
    assert status != "DELETE_FAILED", stacks.describe_stack_events(StackName=arn)["StackEvents"]
    return status == "DELETE_COMPLETE"
