"""Endpoints as they stand: the definition, the stack that owns each, and what is in service."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shardyard.spec import names
from shardyard.spec.endpoint_folder import load_endpoints
from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.errors import nearest, said
from yard.aws import Aws
from yard.errors import NotDeployedError, UserError
from yard.project import Project


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """An endpoint's stack, and the endpoint in it."""

    stack: str
    stack_status: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    described: Mapping[str, Any] | None
    """As DescribeEndpoint says; None where there is no endpoint yet."""

    @property
    def asked(self) -> str | None:
        """The configuration that the stack wants in service."""
        return self.outputs.get("EndpointConfigName")

    @property
    def serving(self) -> str | None:
        """The configuration that is in service."""
        return None if self.described is None else str(self.described["EndpointConfigName"])

    @property
    def status(self) -> str:
        """In one word."""
        return "no model" if self.described is None else str(self.described["EndpointStatus"])


def all_endpoints(project: Project) -> tuple[EndpointSpec, ...]:
    """Every endpoint in endpoints/, checked."""
    settings = project.settings
    return load_endpoints(project.root / settings.serving.endpoints, settings.stage, root=project.root)


def endpoint(project: Project, name: str) -> EndpointSpec:
    """The endpoint of that name; the error for another names the nearest."""
    found = {spec.name: spec for spec in all_endpoints(project)}
    if name not in found:
        folder = project.root / project.settings.serving.endpoints
        raise UserError(f"There is no endpoint {said(name)} in {folder}; {nearest(name, list(found))}")
    return found[name]


def service_name(project: Project, name: str) -> str:
    """What SageMaker calls an endpoint of the project."""
    return names.endpoint_name(project.settings.project, project.settings.stage, name)


def standing(aws: Aws, name: str) -> Standing:
    """How an endpoint stands; one whose stack is not deployed says how to deploy it."""
    from botocore.exceptions import ClientError

    stack = aws.project.stack_name(names.serving_part(name))
    try:
        found = aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        raise NotDeployedError(
            f"The stack {stack} is not deployed in {aws.region} of account {aws.account}.",
            f"Deploy it: npx cdk deploy {stack}. Or choose the region where it is: AWS_REGION.",
        ) from None
    return Standing(
        stack=stack,
        stack_status=found["StackStatus"],
        parameters={one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", [])},
        outputs={one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])},
        described=describe(aws, service_name(aws.project, name)),
    )


def describe(aws: Aws, endpoint_name: str) -> dict[str, Any] | None:
    """DescribeEndpoint's answer; None for an endpoint that is not there."""
    from botocore.exceptions import ClientError

    try:
        found: dict[str, Any] = aws.client("sagemaker").describe_endpoint(EndpointName=endpoint_name)
    except ClientError as error:
        if "Could not find" not in str(error) and error.response["Error"]["Code"] != "ResourceNotFound":
            raise
        return None
    return found


def in_service(aws: Aws, name: str) -> Standing:
    """An endpoint that answers; the error for any other says what is missing."""
    found = standing(aws, name)
    if found.described is None:
        raise UserError(
            f"The endpoint {name} has no model yet, so it does not stand.", f"Give it one: yard deploy {name}"
        )
    return found


def deployed_definition(aws: Aws, stack: str) -> EndpointSpec | None:
    """What was deployed, from its template; None for a template of another version."""
    text = aws.client("cloudformation").get_template(StackName=stack)["TemplateBody"]
    template = json.loads(text) if isinstance(text, str) else text
    found = template.get("Metadata", {}).get(names.ENDPOINT_METADATA)
    return None if found is None else EndpointSpec.from_dict(found)
