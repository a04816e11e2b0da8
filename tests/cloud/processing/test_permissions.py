"""With roles enforced and networks closed, a processing job can do what it could on AWS, and no more."""

import json
from typing import Any

import pytest

from tests.support.clouds.processing_cloud import ProcessingCloud, result, source
from tests.support.clouds.training_cloud import BUCKET, TRUST


@pytest.fixture(scope="module")
def cloud(cloud: ProcessingCloud) -> ProcessingCloud:
    cloud.put("data/a", "a")
    cloud.admin("enforce-iam", on=True)
    return cloud


def role(cloud: ProcessingCloud, name: str, *actions: str) -> str:
    iam = cloud.client("iam")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    statement: dict[str, Any] = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document)
    return arn


def test_a_role_that_may_not_read_the_data(cloud: ProcessingCloud) -> None:
    arn = role(cloud, "blind", "logs:*")
    cloud.create("blind", cloud.image("quick", ""), RoleArn=arn, ProcessingInputs=[source("data", "data/")])
    described = cloud.finished("blind")
    assert described["ProcessingJobStatus"] == "Failed"
    assert "AccessDenied" in described["FailureReason"]


@pytest.mark.parametrize("mode", ["EndOfJob", "Continuous"])
def test_a_role_that_may_not_write_the_outputs(cloud: ProcessingCloud, mode: str) -> None:
    name = f"mute-{mode.lower()}"
    arn = role(cloud, name, "s3:ListBucket", "s3:GetObject")
    outputs = {"Outputs": [result("out", name, mode)]}
    program = "open('/opt/ml/processing/output/out/x', 'w').write('x')"
    cloud.create(name, cloud.image("writes", program), RoleArn=arn, ProcessingOutputConfig=outputs)
    described = cloud.finished(name)
    assert described["ProcessingJobStatus"] == "Failed", "nothing is called Completed whose output is not there"
    assert described["FailureReason"].startswith("ClientError:") and "AccessDenied" in described["FailureReason"]


def test_outputs_are_encrypted_with_the_key_of_the_request(cloud: ProcessingCloud) -> None:
    key = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    outputs = [result("end", "secret/end"), result("live", "secret/live", "Continuous")]
    program = """
        for name in ("end", "live"):
            open(f"/opt/ml/processing/output/{name}/x", "w").write("x")
    """
    cloud.create(
        "secret",
        cloud.image("both", program),
        RoleArn=role(cloud, "able", "s3:*", "logs:*", "kms:*", "cloudwatch:PutMetricData"),
        ProcessingOutputConfig={"Outputs": outputs, "KmsKeyId": key},
    )
    described = cloud.finished("secret")
    assert described["ProcessingJobStatus"] == "Completed", described.get("FailureReason")
    for name in ("end", "live"):
        head = cloud.client("s3").head_object(Bucket=BUCKET, Key=f"secret/{name}/x")
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key)


def test_an_isolated_job_reaches_nothing_and_still_has_its_data(cloud: ProcessingCloud) -> None:
    program = """
        import json, os, socket
        reached = [name for name in os.environ if name.startswith("AWS_ENDPOINT") or "KEY" in name]
        data = open("/opt/ml/processing/input/data/a").read()
        print(json.dumps([reached, data, socket.gethostbyname("algo-2") != ""]))
    """
    cloud.create(
        "isolated",
        cloud.image("alone", program),
        RoleArn=role(cloud, "isolated", "s3:*", "logs:*"),
        NetworkConfig={"EnableNetworkIsolation": True},
        ProcessingInputs=[source("data", "data/")],
        ProcessingResources__ClusterConfig__InstanceCount=2,
    )
    described = cloud.finished("isolated")
    assert described["ProcessingJobStatus"] == "Completed", described.get("FailureReason")
    assert cloud.said("isolated") == [[], "a", True]
