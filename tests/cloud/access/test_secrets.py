"""A secret for a role: by its name, by its ARN, and with the key of a customer's that encrypts it."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.conftest import ACCOUNT, Cloud

PLACE = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT}}],
}


def reader(cloud: Cloud, *statements: dict[str, Any]) -> Any:
    name, iam = f"role-{uuid.uuid4().hex[:8]}", cloud.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
    return cloud.as_role("secretsmanager", arn)


def allow(action: str, resource: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def test_a_role_reads_what_it_may_by_name_and_by_arn(cloud: Cloud) -> None:
    manager, name = cloud.client("secretsmanager"), f"team/{uuid.uuid4().hex[:8]}"
    arn = manager.create_secret(Name=name, SecretString="v")["ARN"]
    other = manager.create_secret(Name=f"{name}-2", SecretString="w")["ARN"]
    for resource in (f"{PLACE}:{name}-??????", arn):
        client = reader(cloud, allow("secretsmanager:GetSecretValue", resource))
        for asked in (name, arn):
            assert client.get_secret_value(SecretId=asked)["SecretString"] == "v"
        for asked in (f"{name}-2", other):
            with pytest.raises(ClientError, match="AccessDenied"):
                client.get_secret_value(SecretId=asked)


def test_a_customers_key_needs_the_right_to_decrypt_for_that_secret(cloud: Cloud) -> None:
    """The statement is the one that a job's role gets: through Secrets Manager, for these secrets, with any key."""
    manager, name = cloud.client("secretsmanager"), f"team/{uuid.uuid4().hex[:8]}"
    key = cloud.client("kms").create_key()["KeyMetadata"]["KeyId"]
    manager.create_secret(Name=name, SecretString="v", KmsKeyId=key)
    read = allow("secretsmanager:GetSecretValue", f"{PLACE}:*")
    with pytest.raises(ClientError, match="kms:Decrypt"):
        reader(cloud, read).get_secret_value(SecretId=name)

    def through(secret: str) -> dict[str, Any]:
        when = {
            "kms:EncryptionContext:SecretARN": f"{PLACE}:{secret}-??????",
            "kms:ViaService": "secretsmanager.*.amazonaws.com*",
        }
        keys = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/*"
        return allow("kms:Decrypt", keys, Condition={"StringLike": when})

    assert reader(cloud, read, through(name)).get_secret_value(SecretId=name)["SecretString"] == "v"
    with pytest.raises(ClientError, match="kms:Decrypt"):
        reader(cloud, read, through("another")).get_secret_value(SecretId=name)
