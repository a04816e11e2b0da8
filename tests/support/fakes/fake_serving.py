"""A stack of an endpoint as CloudFormation and SageMaker show it, whose updates end as a test says."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from shardyard.spec.settings.settings import Settings
from tests.support.fakes.fake_aws import failure

OLD, NEW = "config-old", "config-new"


class FakeServing:
    """Stands for `Aws`: the services that a deployment talks to. `ends` says how each update ends, in order."""

    def __init__(self, *ends: Mapping[str, Any], model: str = "s3://artifacts/runs/old/model.tar.gz") -> None:
        self.ends = list(ends)
        self.updates: list[dict[str, str]] = []
        self.calls: list[str] = []
        self.stack: dict[str, Any] = {"StackName": "s", "StackStatus": "UPDATE_COMPLETE"}
        self.parameters = {"DigitsModel": model}
        self.asked: str | None = OLD if model else None
        self.described: dict[str, Any] | None = (
            {"EndpointConfigName": OLD, "EndpointStatus": "InService"} if model else None
        )
        self.events: list[dict[str, Any]] = []
        self.objects: dict[str, bytes] = {}
        self.template: dict[str, Any] = {}
        self.packages: list[dict[str, Any]] = []
        self.given: list[dict[str, Any]] = []
        self.account, self.region = "123456789012", "us-east-1"
        self.project = SimpleNamespace(
            settings=Settings(),
            root=None,
            stack_name=lambda part: f"shardyard-dev-{part}",
            has_job=lambda name: name == "mnist-ddp",
        )

    def client(self, service: str) -> "FakeServing":
        return self

    def artifact_bucket(self) -> str:
        return "artifacts"

    def describe_stacks(self, *, StackName: str) -> Any:
        if self.stack["StackStatus"] == "ABSENT":
            raise failure("ValidationError", f"Stack with id {StackName} does not exist")
        if self.stack["StackStatus"].endswith("_IN_PROGRESS") and self.ends:
            self._end()
        outputs = {"EndpointName": "shardyard-dev-digits", **({"EndpointConfigName": self.asked} if self.asked else {})}
        parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()]
        told = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
        return {"Stacks": [{**self.stack, "Outputs": told, "Parameters": parameters}]}

    def _end(self) -> None:
        end = dict(self.ends.pop(0))
        self.parameters |= end.pop("parameters", {})
        self.asked = end.pop("asked", self.asked)
        self.described = end.pop("described", self.described)
        self.events = end.pop("events", [])
        self.stack["StackStatus"] = end.pop("status")
        assert not end, f"not known: {end}"

    def update_stack(self, **given: Any) -> None:
        assert given["UsePreviousTemplate"] is True
        values = {one["ParameterKey"]: one["ParameterValue"] for one in given["Parameters"] if "ParameterValue" in one}
        kept = {one["ParameterKey"] for one in given["Parameters"] if one.get("UsePreviousValue")}
        assert kept | set(values) == set(self.parameters), "a parameter that is not named falls back to its default"
        self.updates.append(values)
        if values.items() <= self.parameters.items():
            raise failure("ValidationError", "No updates are to be performed.")
        self.parameters |= values
        self.stack["StackStatus"] = "UPDATE_IN_PROGRESS"

    def continue_update_rollback(self, **given: Any) -> None:
        self.calls.append("continue")
        self.stack["StackStatus"] = "UPDATE_ROLLBACK_IN_PROGRESS"

    def describe_stack_events(self, **given: Any) -> Any:
        return {"StackEvents": self.events}

    def get_template(self, **given: Any) -> Any:
        return {"TemplateBody": self.template}

    def describe_endpoint(self, *, EndpointName: str) -> Any:
        if self.described is None:
            raise failure("ValidationException", f'Could not find endpoint "{EndpointName}".')
        return self.described

    def list_model_packages(self, **given: Any) -> Any:
        assert given["ModelApprovalStatus"] == "Approved"
        return {"ModelPackageSummaryList": self.packages}

    def describe_model_package(self, *, ModelPackageName: str) -> Any:
        return {
            "InferenceSpecification": {"Containers": [{"ModelDataUrl": f"s3://artifacts/{ModelPackageName}.tar.gz"}]}
        }

    def update_endpoint_weights_and_capacities(self, **given: Any) -> None:
        self.given.append(given)

    def upload_file(self, path: str, bucket: str, key: str) -> None:
        with open(path, "rb") as file:
            self.objects[f"{bucket}/{key}"] = file.read()


def served(config: str = NEW) -> dict[str, Any]:
    """An update that arrived."""
    described = {"EndpointConfigName": config, "EndpointStatus": "InService"}
    return {"status": "UPDATE_COMPLETE", "asked": config, "described": described}
