"""Existing resources are imported into a new stack, as they are."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded.verify import verify
from tests.cloud.conftest import Cloud
from tests.support.cloud.stacks_api import StackUnderTest, bucket, of, parameter

VERSIONED = {"VersioningConfiguration": {"Status": "Enabled"}}
KEPT = {**bucket(**VERSIONED), "DeletionPolicy": "Retain"}


def kept_bucket(cloud: Cloud) -> str:
    """A bucket with an object that its stack has left behind."""
    stack = StackUnderTest(cloud)
    assert stack.create(of(Kept=KEPT)) == "CREATE_COMPLETE"
    name = stack.physical_id("Kept")
    cloud.client("s3").put_object(Bucket=name, Key="a", Body=b"kept")
    assert stack.delete() == "DELETE_COMPLETE"
    return name


def resource(name: str, logical_id: str = "Kept", key: str = "BucketName") -> dict[str, Any]:
    return {"ResourceType": "AWS::S3::Bucket", "LogicalResourceId": logical_id, "ResourceIdentifier": {key: name}}


def change_set(stack: StackUnderTest, template: Mapping[str, Any], *resources: dict[str, Any]) -> None:
    stack.api.create_change_set(
        StackName=stack.name,
        ChangeSetName="import",
        ChangeSetType="IMPORT",
        TemplateBody=json.dumps(template),
        ResourcesToImport=list(resources),
    )


def test_a_retained_bucket_is_imported_and_goes_on_in_its_stack(cloud: Cloud) -> None:
    name, stack = kept_bucket(cloud), StackUnderTest(cloud)
    change_set(stack, of(Kept=KEPT), resource(name))
    (told,) = stack.api.describe_change_set(StackName=stack.name, ChangeSetName="import")["Changes"]
    assert (told["ResourceChange"]["Action"], told["ResourceChange"]["PhysicalResourceId"]) == ("Import", name)
    stack.api.execute_change_set(StackName=stack.name, ChangeSetName="import")
    assert stack.status() == "IMPORT_COMPLETE"
    assert stack.physical_id("Kept") == name
    assert cloud.client("s3").get_object(Bucket=name, Key="a")["Body"].read() == b"kept"
    # from then on it is the stack's: Ref and GetAtt answer it, an update changes it, another stack cannot have it
    used = {**of(Kept=KEPT, Uses=parameter({"Fn::GetAtt": ["Kept", "Arn"]}))}
    assert stack.update(used) == "UPDATE_COMPLETE"
    assert all(one.is_right for one in verify(cloud.state, stack=stack.name))
    with pytest.raises(ClientError, match=f"{name} belongs to the stack {stack.name}"):
        change_set(StackUnderTest(cloud), of(Kept=KEPT), resource(name))


def test_what_is_not_there_is_not_imported(cloud: Cloud) -> None:
    stack = StackUnderTest(cloud)
    change_set(stack, of(Kept=KEPT), resource("there-is-no-such-bucket"))
    stack.api.execute_change_set(StackName=stack.name, ChangeSetName="import")
    assert stack.status() == "IMPORT_ROLLBACK_COMPLETE"
    assert any("'there-is-no-such-bucket' was not found" in reason for _, _, reason in stack.history())


def test_an_imported_resource_that_differs_is_told_by_verify(cloud: Cloud) -> None:
    name, stack = kept_bucket(cloud), StackUnderTest(cloud)
    cloud.client("s3").put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})
    change_set(stack, of(Kept=KEPT), resource(name))
    stack.api.execute_change_set(StackName=stack.name, ChangeSetName="import")
    assert stack.status() == "IMPORT_COMPLETE"
    (found,) = verify(cloud.state, stack=stack.name)
    assert [one.property for one in found.differences] == ["VersioningConfiguration.Status"]


@pytest.mark.parametrize(
    ("template", "resources", "said"),
    [
        (of(Kept=bucket()), [resource("a-bucket")], r"must have a DeletionPolicy attribute .*\[Kept\]"),
        (of(Kept=KEPT, Other=KEPT), [resource("a-bucket")], r"names each resource of its template; \[Other\] differ"),
        (of(Kept=KEPT), [], r"names each resource of its template; \[Kept\] differ"),
        (of(Kept=KEPT), [resource("a-bucket", key="Name")], "is identified by BucketName, not by Name"),
        (
            of(Kept={**parameter("a"), "DeletionPolicy": "Retain"}),
            [{**resource("a", key="Name"), "ResourceType": "AWS::SSM::Parameter"}],
            "does not import AWS::SSM::Parameter",
        ),
    ],
)
def test_what_cloudformation_would_not_import_is_refused(
    cloud: Cloud, template: Mapping[str, Any], resources: list[dict[str, Any]], said: str
) -> None:
    with pytest.raises(ClientError, match=said):
        change_set(StackUnderTest(cloud), template, *resources)


def test_only_a_new_stack_imports(cloud: Cloud) -> None:
    stack = StackUnderTest(cloud)
    stack.create(of(A=parameter("a")))
    with pytest.raises(ClientError, match="imports existing resources into new stacks alone"):
        change_set(stack, of(Kept=KEPT), resource("a-bucket"))
