"""A stack in a stack: templates for the tests of nested stacks and of their change sets."""

import json
from typing import Any

from tests.support.cloud.stacks_api import StackUnderTest, of, parameter

INNER: dict[str, Any] = {
    "Parameters": {"Word": {"Type": "String"}},
    **of(P=parameter({"Ref": "Word"})),
    "Outputs": {"Name": {"Value": {"Ref": "P"}}, "Word": {"Value": {"Ref": "Word"}}},
}


def stored(stack: StackUnderTest, template: dict[str, Any], key: str = "inner.json") -> str:
    """Put a template into a bucket; the answer is its URL."""
    s3, name = stack.cloud.client("s3"), f"{stack.name}-templates"
    if name not in {item["Name"] for item in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key=key, Body=json.dumps(template))
    return f"https://{name}.s3.us-east-1.amazonaws.com/{key}"


def outer(url: str, word: Any, **more: Any) -> dict[str, Any]:
    """A template that nests the one at the URL, and uses what comes out of it."""
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url, "Parameters": {"Word": word}}}
    return {
        "Resources": {"Inner": nested, "Uses": parameter({"Fn::GetAtt": ["Inner", "Outputs.Word"]}), **more},
        "Outputs": {"Inner": {"Value": {"Ref": "Inner"}}},
    }


def nested(stack: StackUnderTest) -> StackUnderTest:
    """The stack that is nested in this one."""
    return StackUnderTest(stack.cloud, stack.physical_id("Inner"))
