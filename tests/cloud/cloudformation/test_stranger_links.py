"""Pre-signed links: whoever follows one may do what the one who made it may, and no more."""

import json
import urllib.error
import urllib.request
import uuid
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.cloud.conftest import ACCOUNT, REGION, Cloud

TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT}}


@pytest.fixture(scope="module")
def bucket(cloud: Cloud) -> str:
    """A bucket with one object that a role may read, and one that it may not."""
    name = f"links-{uuid.uuid4().hex[:8]}"
    cloud.client("s3").create_bucket(Bucket=name)
    for key in ("open", "closed"):
        cloud.client("s3").put_object(Bucket=name, Key=key, Body=key.encode())
    policy = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/open"}
    iam = cloud.client("iam")
    document = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
    document = json.dumps({"Version": "2012-10-17", "Statement": [policy]})
    iam.put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=document)
    return name


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_link_gives_what_its_maker_has(cloud: Cloud, bucket: str, version: str) -> None:
    """`aws s3 presign` makes links of the old form (s3) where it is given an endpoint."""
    role = f"arn:aws:iam::{ACCOUNT}:role/{bucket}"
    keys = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="links")["Credentials"]
    client: Any = boto3.client(
        "s3",
        region_name=REGION,
        endpoint_url=cloud.endpoint,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        config=Config(signature_version=version),
    )
    links = {
        key: client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key})
        for key in ("open", "closed")
    }
    with urllib.request.urlopen(links["open"]) as answer:
        assert answer.read() == b"open"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(links["closed"])
    assert refused.value.code == 403
    assert "s3:GetObject" in refused.value.read().decode()
