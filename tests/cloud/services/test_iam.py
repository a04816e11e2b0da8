"""IAM at the front: what a role may do is what its policies, its boundary and the resource's policy say."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.conftest import ACCOUNT, Cloud
from tests.support.cloud.stacks_api import StackUnderTest, of

ROOT_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT}}],
}


def allow(actions: Any, resources: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def deny(actions: Any, resources: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": actions, "Resource": resources, **more}


class Roles:
    """Makes roles with the statements that a test gives."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud, self.iam = cloud, cloud.client("iam")

    def make(self, *statements: dict[str, Any], trust: dict[str, Any] = ROOT_TRUST, **options: Any) -> str:
        """A role's ARN."""
        name = f"role-{uuid.uuid4().hex[:8]}"
        role = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust), **options)["Role"]
        if statements:
            document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            self.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
        return str(role["Arn"])

    def client(self, service: str, *statements: dict[str, Any], **options: Any) -> Any:
        """A client in the name of a role with these statements."""
        return self.cloud.as_role(service, self.make(*statements, **options))


@pytest.fixture(scope="module")
def roles(cloud: Cloud) -> Roles:
    return Roles(cloud)


@pytest.fixture
def bucket(cloud: Cloud) -> Iterator[str]:
    name = f"iam-{uuid.uuid4().hex[:8]}"
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="open/a", Body=b"a")
    s3.put_object(Bucket=name, Key="shut/b", Body=b"b")
    yield name


def denied(work: Any, *arguments: Any, **options: Any) -> dict[str, str]:
    """The code and message of a refusal."""
    with pytest.raises(ClientError) as caught:
        work(*arguments, **options)
    error: dict[str, str] = caught.value.response["Error"]
    assert "Denied" in error["Code"] or error["Code"] == "UnauthorizedOperation", error
    return error


def test_a_role_without_policies_may_do_nothing_and_is_told_what(roles: Roles) -> None:
    error = denied(roles.client("ssm").get_parameter, Name="/a/b")
    assert error["Code"] == "AccessDeniedException"
    assert "assumed-role/role-" in error["Message"]
    assert "ssm:GetParameter" in error["Message"]
    assert f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/a/b" in error["Message"]


def test_the_error_has_the_services_own_code(roles: Roles) -> None:
    assert denied(roles.client("iam").list_roles)["Code"] == "AccessDenied"
    assert denied(roles.client("ec2").describe_vpcs)["Code"] == "UnauthorizedOperation"
    assert denied(roles.client("lambda").list_functions)["Code"] == "AccessDeniedException"
    assert denied(roles.client("s3").list_buckets)["Code"] == "AccessDenied"


def test_a_resource_element_limits(roles: Roles, bucket: str) -> None:
    s3 = roles.client("s3", allow("s3:GetObject", f"arn:aws:s3:::{bucket}/open/*"))
    assert s3.get_object(Bucket=bucket, Key="open/a")["Body"].read() == b"a"
    denied(s3.get_object, Bucket=bucket, Key="shut/b")
    denied(s3.put_object, Bucket=bucket, Key="open/a", Body=b"")
    denied(s3.list_objects_v2, Bucket=bucket)


def test_a_deletion_of_many_is_checked_one_by_one(roles: Roles, bucket: str) -> None:
    s3 = roles.client("s3", allow("s3:DeleteObject", f"arn:aws:s3:::{bucket}/open/*"))
    both = {"Objects": [{"Key": "open/a"}, {"Key": "shut/b"}]}
    denied(s3.delete_objects, Bucket=bucket, Delete=both)
    assert s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "open/a"}]})["Deleted"]


def test_a_copy_reads_its_source(roles: Roles, bucket: str) -> None:
    write = allow("s3:PutObject", f"arn:aws:s3:::{bucket}/new")
    source = {"Bucket": bucket, "Key": "shut/b"}
    denied(roles.client("s3", write).copy_object, Bucket=bucket, Key="new", CopySource=source)
    both = roles.client("s3", write, allow("s3:GetObject", f"arn:aws:s3:::{bucket}/shut/*"))
    assert both.copy_object(Bucket=bucket, Key="new", CopySource=source)


def test_deny_wins(roles: Roles, bucket: str) -> None:
    s3 = roles.client("s3", allow("s3:*"), deny("s3:GetObject", f"arn:aws:s3:::{bucket}/shut/*"))
    assert s3.get_object(Bucket=bucket, Key="open/a")
    assert "explicit deny" in denied(s3.get_object, Bucket=bucket, Key="shut/b")["Message"]


def test_a_condition_on_what_the_request_says(roles: Roles, bucket: str) -> None:
    statement = allow("s3:ListBucket", f"arn:aws:s3:::{bucket}", Condition={"StringLike": {"s3:prefix": "open/*"}})
    s3 = roles.client("s3", statement)
    assert s3.list_objects_v2(Bucket=bucket, Prefix="open/")["KeyCount"] == 1
    denied(s3.list_objects_v2, Bucket=bucket, Prefix="shut/")
    denied(s3.list_objects_v2, Bucket=bucket)


def test_a_condition_on_the_region(roles: Roles) -> None:
    condition = {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}
    role = roles.make(allow("sns:ListTopics", Condition=condition))
    assert roles.cloud.as_role("sns", role, "eu-west-1").list_topics()
    denied(roles.cloud.as_role("sns", role).list_topics)


def test_a_list_action_needs_the_star(roles: Roles) -> None:
    named = allow("sagemaker:ListTrainingJobs", f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:training-job/*")
    denied(roles.client("sagemaker", named).list_training_jobs)
    assert roles.client("sagemaker", allow("sagemaker:ListTrainingJobs")).list_training_jobs()


def test_managed_policies_of_aws_and_our_own_count(roles: Roles) -> None:
    arn = roles.make()
    name = arn.rsplit("/", 1)[-1]
    roles.iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    assert "Buckets" in roles.cloud.as_role("s3", arn).list_buckets()
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny("s3:ListAllMyBuckets")]})
    own = roles.iam.create_policy(PolicyName=f"no-{name}", PolicyDocument=document)["Policy"]["Arn"]
    roles.iam.attach_role_policy(RoleName=name, PolicyArn=own)
    denied(roles.cloud.as_role("s3", arn).list_buckets)


def test_a_boundary_is_the_most_that_a_role_may(roles: Roles) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:*")]})
    boundary = roles.iam.create_policy(PolicyName=f"b-{uuid.uuid4().hex[:6]}", PolicyDocument=document)["Policy"]["Arn"]
    arn = roles.make(allow("*"), PermissionsBoundary=boundary)
    assert "Buckets" in roles.cloud.as_role("s3", arn).list_buckets()
    assert "boundary" in denied(roles.cloud.as_role("sns", arn).list_topics)["Message"]


def test_a_boundary_that_does_not_exist_is_refused_when_it_is_put_too(roles: Roles) -> None:
    missing = "arn:aws:iam::123456789012:policy/nope"
    name = roles.make(allow("*")).rpartition("/")[2]
    with pytest.raises(ClientError, match=f"NoSuchEntity.*Scope ARN: {missing} does not exist or is not attachable"):
        roles.iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=missing)
    assert "PermissionsBoundary" not in roles.iam.get_role(RoleName=name)["Role"]


def test_a_stack_cannot_bound_its_role_by_what_does_not_exist(cloud: Cloud) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [trust]}
    role: dict[str, Any] = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": document}}
    stack = StackUnderTest(cloud)
    assert stack.create(of(Role=role)) == "CREATE_COMPLETE"
    bound = {**role["Properties"], "PermissionsBoundary": "arn:aws:iam::123456789012:policy/nope"}
    assert stack.update(of(Role={**role, "Properties": bound})) == "UPDATE_ROLLBACK_COMPLETE"
    assert any("does not exist or is not attachable" in reason for _, _, reason in stack.history())


def machine(client: Any, role: str) -> Any:
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
    return client.create_state_machine(name=f"m-{uuid.uuid4().hex[:8]}", definition=definition, roleArn=role)


def test_handing_on_a_role_needs_the_permission_to_pass_it(roles: Roles) -> None:
    trust = json.loads(json.dumps(ROOT_TRUST).replace(f'"AWS": "{ACCOUNT}"', '"Service": "states.amazonaws.com"'))
    passed = roles.make(trust=trust)
    create = allow("states:CreateStateMachine")
    error = denied(machine, roles.client("stepfunctions", create), passed)
    assert "iam:PassRole" in error["Message"] and passed in error["Message"]

    def passing(service: str) -> dict[str, Any]:
        return allow("iam:PassRole", passed, Condition={"StringEquals": {"iam:PassedToService": service}})

    denied(machine, roles.client("stepfunctions", create, passing("lambda.amazonaws.com")), passed)
    assert machine(roles.client("stepfunctions", create, passing("states.amazonaws.com")), passed)


def test_tagging_at_creation_needs_the_permission_to_tag(roles: Roles) -> None:
    create, tag = allow("sagemaker:CreateModelPackageGroup"), allow("sagemaker:AddTags")
    tags = [{"Key": "a", "Value": "b"}]
    name = f"g-{uuid.uuid4().hex[:8]}"
    sagemaker = roles.client("sagemaker", create)
    error = denied(sagemaker.create_model_package_group, ModelPackageGroupName=name, Tags=tags)
    assert "sagemaker:AddTags" in error["Message"]
    assert roles.client("sagemaker", create, tag).create_model_package_group(ModelPackageGroupName=name, Tags=tags)


def test_a_role_is_assumed_only_by_whom_it_trusts(roles: Roles) -> None:
    other = "arn:aws:iam::999999999999:root"
    trust = json.loads(json.dumps(ROOT_TRUST).replace(f'"{ACCOUNT}"', f'"{other}"'))
    arn = roles.make(trust=trust)
    sts = roles.cloud.client("sts")
    denied(sts.assume_role, RoleArn=arn, RoleSessionName="test")
    stranger = roles.cloud.client("sts", account="999999999999")
    assert stranger.assume_role(RoleArn=arn, RoleSessionName="test")["AssumedRoleUser"]["Arn"].endswith("/test")
    denied(sts.assume_role, RoleArn=f"arn:aws:iam::{ACCOUNT}:role/nobody", RoleSessionName="test")


def test_a_trust_policys_external_id(roles: Roles) -> None:
    trust = json.loads(json.dumps(ROOT_TRUST))
    trust["Statement"][0]["Condition"] = {"StringEquals": {"sts:ExternalId": "secret"}}
    arn = roles.make(trust=trust)
    sts = roles.cloud.client("sts")
    denied(sts.assume_role, RoleArn=arn, RoleSessionName="test")
    assert sts.assume_role(RoleArn=arn, RoleSessionName="test", ExternalId="secret")


def put_policy(cloud: Cloud, bucket: str, *statements: dict[str, Any]) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    cloud.client("s3").put_bucket_policy(Bucket=bucket, Policy=document)


def test_a_policy_that_denies_all_but_tls_shuts_nobody_out_and_reads_back_whole(cloud: Cloud, bucket: str) -> None:
    both = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    condition = {"Bool": {"aws:SecureTransport": "false"}}
    statement = deny("s3:*", both, Principal="*", Condition=condition)
    put_policy(cloud, bucket, statement)
    s3 = cloud.client("s3")
    assert s3.get_object(Bucket=bucket, Key="open/a")
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"] == [statement]


def test_a_bucket_policy_denies_the_root_too(cloud: Cloud, bucket: str) -> None:
    put_policy(cloud, bucket, deny("s3:GetObject", f"arn:aws:s3:::{bucket}/shut/*", Principal="*"))
    s3 = cloud.client("s3")
    assert s3.get_object(Bucket=bucket, Key="open/a")
    assert "resource-based" in denied(s3.get_object, Bucket=bucket, Key="shut/b")["Message"]


def test_a_bucket_policy_alone_can_allow_a_role(roles: Roles, bucket: str) -> None:
    arn = roles.make()
    denied(roles.cloud.as_role("s3", arn).get_object, Bucket=bucket, Key="open/a")
    put_policy(roles.cloud, bucket, allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Principal={"AWS": arn}))
    assert roles.cloud.as_role("s3", arn).get_object(Bucket=bucket, Key="open/a")


def test_a_bucket_with_a_key_needs_the_key_too(roles: Roles, bucket: str) -> None:
    cloud = roles.cloud
    key = cloud.client("kms").create_key()["KeyMetadata"]
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key["Arn"]}}
    cloud.client("s3").put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    write = allow(["s3:GetObject", "s3:PutObject"], f"arn:aws:s3:::{bucket}/*")
    error = denied(roles.client("s3", write).put_object, Bucket=bucket, Key="k", Body=b"")
    assert "kms:GenerateDataKey" in error["Message"] and key["Arn"] in error["Message"]
    via = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    use = allow(["kms:GenerateDataKey", "kms:Decrypt"], key["Arn"], Condition=via)
    s3 = roles.client("s3", write, use)
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"k")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"k"


def test_a_key_policy_that_names_nobody_shuts_everyone_out(roles: Roles) -> None:
    only = roles.make()
    statement = {"Effect": "Allow", "Principal": {"AWS": only}, "Action": "kms:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    key = roles.cloud.client("kms").create_key(Policy=policy)["KeyMetadata"]["KeyId"]
    error = denied(roles.client("kms", allow("kms:*")).describe_key, KeyId=key)
    assert "no resource-based policy allows" in error["Message"]
    assert roles.cloud.as_role("kms", only).describe_key(KeyId=key)


def test_the_switch(roles: Roles) -> None:
    sns = roles.client("sns")
    denied(sns.list_topics)
    roles.cloud.admin("enforce-iam", on=False)
    try:
        assert "Topics" in sns.list_topics()
    finally:
        roles.cloud.admin("enforce-iam", on=True)
    denied(sns.list_topics)


def test_a_session_may_do_no_more_than_the_policies_it_was_made_with(cloud: Cloud, roles: Roles, bucket: str) -> None:
    """On AWS a session is the role's policies cut by its own; one whose policies were forgotten would be the role."""
    role = roles.make(allow("s3:GetObject"), allow("s3:PutObject"))
    cut = {"Version": "2012-10-17", "Statement": [allow("s3:GetObject", f"arn:aws:s3:::{bucket}/open/*")]}
    s3 = cloud.as_role("s3", role, Policy=json.dumps(cut))
    assert s3.get_object(Bucket=bucket, Key="open/a")["Body"].read() == b"a"
    error = denied(s3.get_object, Bucket=bucket, Key="shut/b")
    assert "no session policy allows the s3:GetObject action" in error["Message"]
    denied(s3.put_object, Bucket=bucket, Key="open/a", Body=b"")
    widened = {"Version": "2012-10-17", "Statement": [allow("*")]}
    denied(cloud.as_role("s3", role, Policy=json.dumps(widened)).list_objects_v2, Bucket=bucket)


def test_a_session_may_be_cut_by_a_policy_that_iam_keeps(cloud: Cloud, roles: Roles, bucket: str) -> None:
    kept = json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:ListBucket")]})
    arn = roles.iam.create_policy(PolicyName=f"cut-{uuid.uuid4().hex[:8]}", PolicyDocument=kept)["Policy"]["Arn"]
    s3 = cloud.as_role("s3", roles.make(allow("s3:*")), PolicyArns=[{"arn": arn}])
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 2
    denied(s3.get_object, Bucket=bucket, Key="open/a")
    with pytest.raises(ClientError, match="nowhere does not exist"):
        cloud.as_role("s3", roles.make(), PolicyArns=[{"arn": f"arn:aws:iam::{ACCOUNT}:policy/nowhere"}])
    with pytest.raises(ClientError, match="MalformedPolicyDocument"):
        cloud.as_role("s3", roles.make(), Policy="{")


def test_what_a_request_names_may_be_allowed_by_one_statement_each(roles: Roles, bucket: str) -> None:
    """A policy need not name all that a request names in one statement: each thing is asked for by itself."""
    each = [allow("s3:DeleteObject", f"arn:aws:s3:::{bucket}/{key}") for key in ("open/a", "shut/b")]
    both = {"Objects": [{"Key": "open/a"}, {"Key": "shut/b"}]}
    assert len(roles.client("s3", *each).delete_objects(Bucket=bucket, Delete=both)["Deleted"]) == 2


def test_between_accounts_both_sides_must_allow(cloud: Cloud, roles: Roles) -> None:
    theirs = cloud.client("s3", account="210987654321")
    name = f"theirs-{uuid.uuid4().hex[:8]}"
    theirs.create_bucket(Bucket=name)
    theirs.put_object(Bucket=name, Key="a", Body=b"a")
    may, may_not = roles.client("s3", allow("s3:GetObject")), roles.client("s3", allow("s3:ListBucket"))
    error = denied(may.get_object, Bucket=name, Key="a")
    assert "no resource-based policy allows the s3:GetObject action" in error["Message"]
    shared = allow("s3:GetObject", f"arn:aws:s3:::{name}/*", Principal={"AWS": ACCOUNT})
    theirs.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [shared]}))
    assert may.get_object(Bucket=name, Key="a")["Body"].read() == b"a"
    denied(may_not.get_object, Bucket=name, Key="a")


def simulated(cloud: Cloud, source: str, actions: list[str], **options: Any) -> dict[tuple[str, str], str]:
    """The decisions of iam:SimulatePrincipalPolicy, by action and resource."""
    pages = cloud.client("iam").get_paginator("simulate_principal_policy")
    found = pages.paginate(PolicySourceArn=source, ActionNames=actions, **options).build_full_result()
    return {(one["EvalActionName"], one["EvalResourceName"]): one["EvalDecision"] for one in found["EvaluationResults"]}


def test_a_role_can_be_asked_about_before_it_is_used(cloud: Cloud, roles: Roles) -> None:
    role = roles.make(
        allow("s3:GetObject", "arn:aws:s3:::box/*"),
        deny("s3:*", "arn:aws:s3:::box/secret/*"),
        allow("iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}),
    )
    resources = ["arn:aws:s3:::box/a", "arn:aws:s3:::box/secret/a", "arn:aws:s3:::other/a"]
    assert list(simulated(cloud, role, ["s3:GetObject"], ResourceArns=resources).values()) == [
        "allowed",
        "explicitDeny",
        "implicitDeny",
    ]
    entry = {"ContextKeyName": "iam:PassedToService", "ContextKeyType": "string"}
    for service, decision in (("sagemaker", "allowed"), ("lambda", "implicitDeny")):
        context = [{**entry, "ContextKeyValues": [f"{service}.amazonaws.com"]}]
        assert simulated(cloud, role, ["iam:PassRole"], ContextEntries=context) == {("iam:PassRole", "*"): decision}


def test_a_question_about_a_role_knows_its_boundary(cloud: Cloud, roles: Roles) -> None:
    document = {"Version": "2012-10-17", "Statement": [allow("s3:*")]}
    name = f"boundary-{uuid.uuid4().hex[:8]}"
    policy = roles.iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(document))["Policy"]["Arn"]
    role = roles.make(allow("*"), PermissionsBoundary=policy)
    found = simulated(cloud, role, ["s3:GetObject", "sqs:SendMessage"])
    assert list(found.values()) == ["allowed", "implicitDeny"]


@pytest.mark.parametrize(
    ("arn", "code", "message"),
    [
        (f"arn:aws:iam::{ACCOUNT}:role/nobody", "NoSuchEntity", "The role with name nobody cannot be found."),
        (
            f"arn:aws:iam::{ACCOUNT}:root",
            "InvalidInput",
            f"Invalid Entity Arn: arn:aws:iam::{ACCOUNT}:root does not clearly define entity type and name.",
        ),
    ],
)
def test_a_question_about_nobody_is_refused(cloud: Cloud, arn: str, code: str, message: str) -> None:
    with pytest.raises(ClientError) as caught:
        simulated(cloud, arn, ["s3:GetObject"])
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["Error"]["Message"] == message
