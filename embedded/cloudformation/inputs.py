"""What a creation or an update is given: the template's text, parameters, tags; checked before anything happens."""

import re
import uuid
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.exceptions import ClientError
from moto.utilities.utils import get_partition

from embedded import clients
from embedded.access import roles
from embedded.cloudformation.errors import TemplateError, TransformError
from embedded.cloudformation.stack import STORE, Inputs, Stack
from embedded.cloudformation.templates import checks, graph, parameters, template
from embedded.cloudformation.templates.rules import check_rules
from embedded.cloudformation.transforms import Scope, check_transforms, process, uses_transforms
from embedded.cloudformation.values import PSEUDO_PARAMETERS
from embedded.operations import Call, Params, ServiceError

SERVICE = "cloudformation"

_S3_URL = re.compile(r"^https?://(?:s3[.-][^/]*|localhost:\d+|127\.0\.0\.1:\d+)/(?P<bucket>[^/]+)/(?P<key>[^?]+)")
_S3_HOST_URL = re.compile(
    r"^https?://(?P<bucket>[^/]+?)\.(?:s3(?:[.-][^/]+)?\.amazonaws\.com[^/]*|(?:s3\.)?localhost:\d+)/(?P<key>[^?]+)"
)
# what a stack may make only with a capability: CloudFormation's own rule
IAM_TYPES = ("AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::User", "AWS::IAM::Group")
_MOST_BODY_BYTES = 51200
"""What a call may hold itself; longer templates are named by TemplateURL."""

_NAMED = {"AWS::IAM::Role": "RoleName", "AWS::IAM::ManagedPolicy": "ManagedPolicyName"}


def refuse(message: str) -> ServiceError:
    """CloudFormation's one error for whatever is wrong with a call."""
    return ServiceError("ValidationError", message)


def find_stack(call: Call, name: str) -> Stack:
    """The stack, or the error that clients know for one that does not exist."""
    stack = STORE.find(call.account, call.region, name)
    if stack is None:
        raise refuse(f"Stack with id {name} does not exist")
    return stack


def template_text(call: Call, params: Params, stack: Stack | None = None) -> str:
    """The template's text: in the call, in S3, or the one that the stack has."""
    if params.get("TemplateBody"):
        text = str(params["TemplateBody"])
        if len(text.encode()) > _MOST_BODY_BYTES:
            raise refuse(
                f"1 validation error detected: Value '{text}' at 'templateBody' failed to satisfy constraint: "
                f"Member must have length less than or equal to {_MOST_BODY_BYTES}"
            )
        return text
    url = params.get("TemplateURL")
    if url:
        return read_url(call, url, "TemplateURL must be a supported URL.")
    if params.get("UsePreviousTemplate") and stack is not None and stack.inputs is not None:
        return stack.inputs.template.body
    raise refuse("Either Template URL or Template Body must be specified.")


def read_url(call: Call, url: str, unsupported: str) -> str:
    """The text of an object that a URL of either style names, or the error with these words."""
    match = _S3_HOST_URL.match(url) or _S3_URL.match(url)
    if match is None:
        domain = urlsplit(url)
        if domain.scheme == "s3":
            raise refuse(f"S3 error: Domain name specified in {domain.netloc} is not a valid S3 domain")
        raise refuse(unsupported)
    s3 = clients.client("s3", call.account, call.region)
    try:
        body: bytes = s3.get_object(Bucket=match["bucket"], Key=unquote(match["key"]))["Body"].read()
    except ClientError as error:
        raise refuse(f"S3 error: {error.response['Error']['Message']} ({url})") from None
    return body.decode()


def inputs_of(call: Call, params: Params, stack: Stack | None = None, *, change_set: bool = False) -> Inputs:
    """Everything a creation or an update is given, checked as far as it can be before anything happens.

    A transform that fails does not fail the call: the inputs carry the error, and whoever carries them out fails.
    """
    old = None if stack is None else stack.inputs
    try:
        parsed, values, failure = _checked(call, params, template_text(call, params, stack), old, change_set=change_set)
    except TemplateError as error:
        raise refuse(str(error)) from None
    tags = (
        {item["Key"]: item["Value"] for item in params["Tags"]} if "Tags" in params else dict(old.tags if old else {})
    )
    return Inputs(
        template=parsed,
        parameters=values,
        tags=tags,
        capabilities=tuple(params.get("Capabilities", ())),
        role_arn=params.get("RoleARN", old.role_arn if old else None),
        notification_arns=tuple(params.get("NotificationARNs", old.notification_arns if old else ())),
        token=params.get("ClientRequestToken"),
        on_failure=_on_failure(params),
        timeout_minutes=params.get("TimeoutInMinutes"),
        rollback=params.get("RollbackConfiguration", old.rollback if old else {}),
        failure=failure,
    )


def _checked(
    call: Call, params: Params, body: str, old: Inputs | None, *, change_set: bool
) -> tuple[template.Template, dict[str, parameters.Parameter], str | None]:
    """The template, its parameters' values, and why a transform failed."""
    failure = None
    try:
        parsed = parse(call, params, body, old, capabilities=not change_set)
    except TransformError as error:
        parsed, failure = template.undeployable(body), str(error)
    graph.check_references(parsed, PSEUDO_PARAMETERS)
    graph.in_order(parsed.resources)
    check_capabilities(parsed, params)
    values = _values(call, params, parsed.parameters, old)
    check_rules(parsed, values, call)
    pseudo = pseudo_parameters(call, params)
    checks.check_functions(parsed, values, pseudo, call.region)
    _check_types(parsed, params)
    _check_rollback(params)
    _check_role(call, params)
    return parsed, values, failure


def _values(
    call: Call, params: Params, declared: Mapping[str, Mapping[str, Any]], old: Inputs | None
) -> dict[str, parameters.Parameter]:
    before = {} if old is None else old.parameters
    given = params.get("Parameters", [])
    return parameters.work_out(declared, given, before, lambda name: _read_ssm(call, name))


def parse(
    call: Call, params: Params, body: str, old: Inputs | None = None, *, capabilities: bool = False
) -> template.Template:
    """The template, transformed if it has to be; `capabilities` are asked of who runs a macro without seeing first."""
    document = template.read_document(body)
    check_transforms(document)
    if not uses_transforms(document):
        return template.parse(body)
    if capabilities and "CAPABILITY_AUTO_EXPAND" not in params.get("Capabilities", ()):
        raise ServiceError("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_AUTO_EXPAND]")
    declared = document.get("Parameters")
    values = _values(call, params, declared if isinstance(declared, dict) else {}, old)
    scope = Scope(pseudo=pseudo_parameters(call, params))
    return template.parse(body, process(document, call, values, scope))


def pseudo_parameters(call: Call, params: Params) -> dict[str, str]:
    """The pseudo parameters that are known before there is a stack; a call may name its stack by ARN."""
    partition, named = get_partition(call.region), str(params.get("StackName", ""))
    return {
        "AWS::AccountId": call.account,
        "AWS::Partition": partition,
        "AWS::Region": call.region,
        "AWS::StackName": named.split("/")[1] if named.startswith("arn:") else named,
        "AWS::URLSuffix": "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com",
    }


def _on_failure(params: Params) -> str:
    if params.get("DisableRollback"):
        return "DO_NOTHING"
    return str(params.get("OnFailure", params.get("OnStackFailure", "ROLLBACK")))


def _check_types(parsed: template.Template, params: Params) -> None:
    allowed: list[str] = params.get("ResourceTypes", [])
    for resource in parsed.resources.values() if allowed else ():
        if not any(fnmatchcase(resource.type, pattern) for pattern in allowed):
            raise TemplateError(
                f"Resource type {resource.type} is not allowed by parameter ResourceTypes [{', '.join(allowed)}]"
            )


def _check_rollback(params: Params) -> None:
    for trigger in params.get("RollbackConfiguration", {}).get("RollbackTriggers", ()):
        if trigger["Type"] not in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
            raise TemplateError("Rollback Trigger Type not supported")
        if not re.fullmatch(r"arn:[^:]+:cloudwatch:[^:]+:[^:]+:alarm:.+", trigger["Arn"]):
            raise TemplateError("RelativeId of a Rollback Trigger's ARN is incorrect")


def _check_role(call: Call, params: Params) -> None:
    role = params.get("RoleARN")
    try:
        if role:
            roles.assume(role, service="cloudformation.amazonaws.com", session="check", region=call.region)
    except ServiceError:
        raise TemplateError(f"Role {role} is invalid or cannot be assumed") from None


def _read_ssm(call: Call, name: str) -> str:
    try:
        value: str = clients.client("ssm", call.account, call.region).get_parameter(Name=name)["Parameter"]["Value"]
    except ClientError:
        raise LookupError(name) from None
    return value


def check_capabilities(parsed: template.Template, params: Params) -> None:
    """A template that makes roles must be deployed by someone who says that they know."""
    needed = needed_capability(parsed)
    if needed is not None and not {needed, "CAPABILITY_NAMED_IAM"} & set(params.get("Capabilities", ())):
        raise ServiceError("InsufficientCapabilitiesException", f"Requires capabilities : [{needed}]")


def needed_capability(parsed: template.Template) -> str | None:
    """What whoever deploys this template must say that they know; None where it makes nothing of IAM."""
    makes = [resource for resource in parsed.resources.values() if resource.type in IAM_TYPES]
    if not makes:
        return None
    named = any(_NAMED.get(resource.type, "") in resource.properties for resource in makes)
    return "CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"


def new_stack(call: Call, params: Params, status: str) -> Stack:
    """A stack that does not exist yet."""
    name = params["StackName"]
    if not re.fullmatch(r"[a-zA-Z][-a-zA-Z0-9]{0,127}", name):
        raise refuse(
            f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
        )
    partition = get_partition(call.region)
    arn = f"arn:{partition}:cloudformation:{call.region}:{call.account}:stack/{name}/{uuid.uuid4()}"
    return Stack(
        name=name,
        arn=arn,
        account=call.account,
        region=call.region,
        partition=partition,
        status=status,
        termination_protection=bool(params.get("EnableTerminationProtection")),
    )


def require_idle(stack: Stack, doing: str) -> None:
    """Raise unless the stack can be updated now."""
    allowed = (
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "CREATE_FAILED",
        "UPDATE_FAILED",
        "IMPORT_COMPLETE",
    )
    if stack.status not in allowed:
        raise refuse(f"Stack:{stack.arn} is in {stack.status} state and can not be {doing}.")
