"""Stack policies: what an update may not touch, it does not touch."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.conftest import Cloud
from tests.support.cloud.stacks_api import StackUnderTest, bucket, of, parameter


@pytest.fixture
def stack(cloud: Cloud) -> StackUnderTest:
    found = StackUnderTest(cloud)
    assert found.create(template(found, "one")) == "CREATE_COMPLETE"
    return found


def template(stack: StackUnderTest, value: str, name: str = "box", *, extra: bool = True) -> dict[str, Any]:
    found = of(P=parameter(value), Box=bucket(BucketName=f"{stack.name}-{name}"))
    return {"Resources": {**found["Resources"], **({"Extra": parameter("e")} if extra else {})}}


def statement(effect: str, action: str = "Update:*", resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Principal": "*", "Resource": resource, **more}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Statement": list(statements)})


ALLOW = statement("Allow")
OF_BUCKETS = {"StringEquals": {"ResourceType": ["AWS::S3::Bucket"]}}


@pytest.mark.parametrize(
    ("denied", "allowed"),
    [
        ([statement("Deny"), ALLOW], set()),
        ([statement("Deny", "Update:Modify"), ALLOW], {"replace", "remove"}),
        ([statement("Deny", "Update:Replace"), ALLOW], {"modify", "remove"}),
        ([statement("Deny", "Update:Delete", "LogicalResourceId/Extra"), ALLOW], {"modify", "replace"}),
        ([statement("Deny", resource="LogicalResourceId/B*"), ALLOW], {"modify", "remove"}),
        ([statement("Deny", Condition=OF_BUCKETS), ALLOW], {"modify", "remove"}),
        ([statement("Allow", resource="LogicalResourceId/P")], {"modify"}),
        ([], {"modify", "replace", "remove"}),
    ],
    ids=["all", "modify", "replace", "delete", "by id", "by type", "not allowed", "empty"],
)
def test_what_a_policy_forbids(stack: StackUnderTest, denied: list[dict[str, Any]], allowed: set[str]) -> None:
    stack.api.set_stack_policy(StackName=stack.name, StackPolicyBody=policy(*denied))
    updates = {
        "modify": template(stack, "two"),
        "replace": template(stack, "one", "other"),
        "remove": template(stack, "one", extra=False),
    }
    for kind, update in updates.items():
        status = stack.update(update)
        assert (kind, status == "UPDATE_COMPLETE") == (kind, kind in allowed)
        if kind in allowed:
            stack.api.set_stack_policy(StackName=stack.name, StackPolicyBody=policy(ALLOW))
            stack.update(template(stack, "one"))
            stack.api.set_stack_policy(StackName=stack.name, StackPolicyBody=policy(*denied))
        else:
            assert status == "UPDATE_ROLLBACK_COMPLETE"
            assert any("Action denied by stack policy" in why for _, _, why in stack.history())


def test_a_policy_for_one_update_stands_in_place_of_the_stacks_own(stack: StackUnderTest) -> None:
    stack.api.set_stack_policy(StackName=stack.name, StackPolicyBody=policy(statement("Deny")))
    during = policy(ALLOW)
    assert stack.update(template(stack, "two"), StackPolicyDuringUpdateBody=during) == "UPDATE_COMPLETE"
    kept = stack.api.get_stack_policy(StackName=stack.name)["StackPolicyBody"]
    assert json.loads(kept)["Statement"] == [statement("Deny")]
    assert stack.update(template(stack, "three")) == "UPDATE_ROLLBACK_COMPLETE"


def test_a_new_policy_does_not_stand_in_the_way_of_its_own_update(stack: StackUnderTest) -> None:
    assert stack.update(template(stack, "two"), StackPolicyBody=policy(statement("Deny"))) == "UPDATE_COMPLETE"
    assert stack.update(template(stack, "three")) == "UPDATE_ROLLBACK_COMPLETE"


@pytest.mark.parametrize(
    "body",
    [
        "no json",
        "[]",
        policy({**ALLOW, "Principal": "arn:aws:iam::123456789012:root"}),
        policy({**ALLOW, "Action": "Delete:*"}),
        policy({**ALLOW, "Effect": "Perhaps"}),
        policy({"Effect": "Allow", "Action": "Update:*", "Principal": "*"}),
    ],
)
def test_what_is_no_policy(stack: StackUnderTest, body: str) -> None:
    with pytest.raises(ClientError, match="Error validating stack policy: Invalid stack policy"):
        stack.api.set_stack_policy(StackName=stack.name, StackPolicyBody=body)


def test_a_policy_by_url_and_not_both_ways(stack: StackUnderTest) -> None:
    s3, name = stack.cloud.client("s3"), f"{stack.name}-policies"
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="p.json", Body=policy(statement("Deny")))
    url = f"https://{name}.s3.amazonaws.com/p.json"
    with pytest.raises(ClientError, match="You cannot specify both StackPolicyURL and StackPolicyBody"):
        stack.api.set_stack_policy(StackName=stack.name, StackPolicyBody=policy(ALLOW), StackPolicyURL=url)
    stack.api.set_stack_policy(StackName=stack.name, StackPolicyURL=url)
    assert stack.update(template(stack, "two")) == "UPDATE_ROLLBACK_COMPLETE"
