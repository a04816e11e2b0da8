"""Small templates through the API, without the command: how the tests of the engine deploy."""

import json
import uuid
from typing import Any

from tests.cloud.conftest import Cloud

Template = dict[str, Any]


class StackUnderTest:
    """A stack that a test creates, changes and looks at."""

    def __init__(self, cloud: Cloud, name: str | None = None, **where: str) -> None:
        self.cloud = cloud
        self.api = cloud.client("cloudformation", **where)
        self.name = name if name is not None else f"t-{uuid.uuid4().hex[:8]}"

    def create(self, template: Template, **options: Any) -> str:
        """Create it; the answer is its status when that is done."""
        body = json.dumps(template)
        self.api.create_stack(StackName=self.name, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"], **options)
        return self.status()

    def update(self, template: Template, **options: Any) -> str:
        """Update it; the answer is its status when that is done."""
        body = json.dumps(template)
        self.api.update_stack(StackName=self.name, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"], **options)
        return self.status()

    def delete(self) -> str:
        """Delete it; the answer is its status when that is done."""
        arn = self.describe()["StackId"]
        self.api.delete_stack(StackName=self.name)
        self.name = arn
        return self.status()

    def describe(self) -> dict[str, Any]:
        """What the API says of it."""
        found: dict[str, Any] = self.api.describe_stacks(StackName=self.name)["Stacks"][0]
        return found

    def status(self) -> str:
        """Its status when no operation runs any more."""
        for _ in range(30):
            status = str(self.describe()["StackStatus"])
            if not status.endswith("_IN_PROGRESS"):
                return status
        raise AssertionError(f"{self.name} does not come to an end: {status}")

    def outputs(self) -> dict[str, str]:
        """Its outputs."""
        return {item["OutputKey"]: item["OutputValue"] for item in self.describe().get("Outputs", ())}

    def physical_id(self, logical_id: str) -> str:
        """The physical id of one of its resources."""
        answer = self.api.describe_stack_resource(StackName=self.name, LogicalResourceId=logical_id)
        return str(answer["StackResourceDetail"]["PhysicalResourceId"])

    def history(self) -> list[tuple[str, str, str]]:
        """Its events, oldest first: logical id, status and reason."""
        events: list[dict[str, Any]] = self.api.describe_stack_events(StackName=self.name)["StackEvents"]
        return [
            (event["LogicalResourceId"], event["ResourceStatus"], event.get("ResourceStatusReason", ""))
            for event in reversed(events)
        ]


def bucket(**properties: Any) -> Template:
    """A bucket."""
    return {"Type": "AWS::S3::Bucket", "Properties": properties}


def parameter(value: Any, **more: Any) -> Template:
    """A parameter in the Systems Manager: the cheapest resource that has a value."""
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value, **more}}


def of(**resources: Template) -> Template:
    """A template of these resources."""
    return {"Resources": resources}
