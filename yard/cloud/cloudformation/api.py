"""The operations of the CloudFormation service, as clients call them."""

import re
import uuid
from typing import Any

from botocore.exceptions import ClientError
from moto.utilities.utils import get_partition

from yard.cloud import clients
from yard.cloud.cloudformation import changesets, engine, graph, parameters, template
from yard.cloud.cloudformation.describe import (
    event_dict,
    operation_event_dict,
    resource_dict,
    resource_summary,
    stack_dict,
    stack_summary,
)
from yard.cloud.cloudformation.errors import TemplateError
from yard.cloud.cloudformation.rules import check_rules
from yard.cloud.cloudformation.schemas import properties_of
from yard.cloud.cloudformation.stack import STORE, Inputs, Stack
from yard.cloud.cloudformation.values import PSEUDO_PARAMETERS
from yard.cloud.registry import Call, Params, ServiceError, operation

SERVICE = "cloudformation"
_LONG_POLL_SECONDS = 8.0
"""How long DescribeStacks waits for a running operation to end: the CDK CLI asks only every five seconds."""

_S3_URL = re.compile(r"^https?://(?:[^/]*s3[^/]*|localhost:\d+|127\.0\.0\.1:\d+)/(?P<bucket>[^/]+)/(?P<key>[^?]+)")
_S3_HOST_URL = re.compile(r"^https?://(?P<bucket>[^/]+?)\.(?:s3[.-][^/]+|localhost:\d+)/(?P<key>[^?]+)")
_IAM_TYPES = ("AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::User", "AWS::IAM::Group")
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
        return str(params["TemplateBody"])
    url = params.get("TemplateURL")
    if url:
        match = _S3_URL.match(url) or _S3_HOST_URL.match(url)
        if match is None:
            raise refuse(f"TemplateURL must be a supported URL, not {url}")
        s3 = clients.client("s3", call.account, call.region)
        try:
            body: bytes = s3.get_object(Bucket=match["bucket"], Key=match["key"])["Body"].read()
        except ClientError as error:
            raise refuse(f"S3 error: {error.response['Error']['Message']} ({url})") from None
        return body.decode()
    if params.get("UsePreviousTemplate") and stack is not None and stack.inputs is not None:
        return stack.inputs.template.body
    raise refuse("Either Template URL or Template Body must be specified.")


def inputs_of(call: Call, params: Params, stack: Stack | None = None) -> Inputs:
    """Everything a creation or an update is given, checked as far as it can be before anything happens."""
    try:
        parsed = template.parse(template_text(call, params, stack))
        graph.check_references(parsed, PSEUDO_PARAMETERS)
        _check_capabilities(parsed, params)
        before = {} if stack is None or stack.inputs is None else stack.inputs.parameters
        values = parameters.work_out(
            parsed.parameters, params.get("Parameters", []), before, lambda name: _read_ssm(call, name)
        )
        check_rules(parsed, values, call)
    except TemplateError as error:
        raise refuse(str(error)) from None
    old = None if stack is None else stack.inputs
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
    )


def _on_failure(params: Params) -> str:
    if params.get("DisableRollback"):
        return "DO_NOTHING"
    return str(params.get("OnFailure", params.get("OnStackFailure", "ROLLBACK")))


def _read_ssm(call: Call, name: str) -> str:
    try:
        value: str = clients.client("ssm", call.account, call.region).get_parameter(Name=name)["Parameter"]["Value"]
    except ClientError:
        raise LookupError(name) from None
    return value


def _check_capabilities(parsed: template.Template, params: Params) -> None:
    """A template that makes roles must be deployed by someone who says that they know."""
    given = set(params.get("Capabilities", ()))
    makes = [resource for resource in parsed.resources.values() if resource.type in _IAM_TYPES]
    named = any(_NAMED.get(resource.type, "") in resource.properties for resource in makes)
    if makes and "CAPABILITY_NAMED_IAM" not in given and (named or "CAPABILITY_IAM" not in given):
        needed = "CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"
        raise ServiceError("InsufficientCapabilitiesException", f"Requires capabilities : [{needed}]")


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
    allowed = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")
    if stack.status not in allowed:
        raise refuse(f"Stack:{stack.arn} is in {stack.status} state and can not be {doing}.")


@operation(SERVICE, "CreateStack")
def create_stack(call: Call, params: Params) -> dict[str, Any]:
    """Create a stack; the answer comes at once, the work goes on."""
    with STORE.lock:
        existing = STORE.find(call.account, call.region, params["StackName"])
        if existing is not None:
            raise ServiceError("AlreadyExistsException", f"Stack [{params['StackName']}] already exists")
        inputs = inputs_of(call, params)
        stack = new_stack(call, params, "CREATE_IN_PROGRESS")
        STORE.add(stack)
    engine.start(stack, lambda item: engine.create(item, inputs))
    return {"StackId": stack.arn, "OperationId": stack.operation_id}


@operation(SERVICE, "UpdateStack")
def update_stack(call: Call, params: Params) -> dict[str, Any]:
    """Update a stack; one that would not change is refused in the words that clients look for."""
    stack = find_stack(call, params["StackName"])
    require_idle(stack, "updated")
    inputs = inputs_of(call, params, stack)
    try:
        if engine.plan(stack, inputs).is_empty:
            raise refuse("No updates are to be performed.")
    except TemplateError as error:
        raise refuse(str(error)) from None
    stack.status = "UPDATE_IN_PROGRESS"
    engine.start(stack, lambda item: engine.update(item, inputs))
    return {"StackId": stack.arn, "OperationId": stack.operation_id}


@operation(SERVICE, "DeleteStack")
def delete_stack(call: Call, params: Params) -> dict[str, Any]:
    """Delete a stack; one that does not exist is no error."""
    stack = STORE.find(call.account, call.region, params["StackName"])
    if stack is None or stack.status == "DELETE_COMPLETE":
        return {}
    if stack.termination_protection:
        raise refuse(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
    if stack.in_progress:
        raise refuse(f"Stack:{stack.arn} is in {stack.status} state and can not be deleted.")
    for output in stack.outputs.values():
        users = STORE.importers(stack.account, stack.region, output.export) if output.export else []
        if users:
            # as on AWS: the call is taken, the deletion fails, the stack stays as it was
            reason = f"Export {output.export} cannot be deleted as it is in use by {', '.join(users)}"
            before = stack.status
            stack.set_status("DELETE_IN_PROGRESS", "User Initiated")
            stack.set_status("DELETE_FAILED", reason)
            stack.status, stack.reason = before, reason
            return {}
    if stack.inputs is None:
        STORE.forget(stack)
        return {}
    stack.status = "DELETE_IN_PROGRESS"
    keep = tuple(params.get("RetainResources", ()))
    engine.start(stack, lambda item: engine.delete(item, keep))
    return {}


@operation(SERVICE, "DescribeStacks")
def describe_stacks(call: Call, params: Params) -> dict[str, Any]:
    """Describe one stack, or all that are not deleted."""
    if params.get("StackName"):
        stack = find_stack(call, params["StackName"])
        stack.wait(_LONG_POLL_SECONDS)
        return {"Stacks": [stack_dict(stack)]}
    stacks = STORE.all(call.account, call.region)
    return {"Stacks": [stack_dict(stack) for stack in stacks if stack.status != "DELETE_COMPLETE"]}


@operation(SERVICE, "ListStacks")
def list_stacks(call: Call, params: Params) -> dict[str, Any]:
    """List stacks, the deleted ones too, by status."""
    wanted = params.get("StackStatusFilter")
    stacks = STORE.all(call.account, call.region)
    return {"StackSummaries": [stack_summary(stack) for stack in stacks if not wanted or stack.status in wanted]}


@operation(SERVICE, "DescribeStackEvents")
def describe_stack_events(call: Call, params: Params) -> dict[str, Any]:
    """A stack's history, newest first."""
    stack = find_stack(call, params["StackName"])
    return {"StackEvents": [event_dict(stack, event) for event in reversed(stack.events)]}


@operation(SERVICE, "DescribeEvents")
def describe_events(call: Call, params: Params) -> dict[str, Any]:
    """The history of one operation or of a stack, newest first."""
    name = params.get("StackName")
    stacks = [find_stack(call, name)] if name else list(STORE.all(call.account, call.region))
    wanted = params.get("OperationId")
    failed_only = str(params.get("Filters", {}).get("FailedEvents", "false")).lower() == "true"
    found = [
        operation_event_dict(stack, event)
        for stack in stacks
        for event in reversed(stack.events)
        if (wanted is None or event.operation_id == wanted) and (not failed_only or event.status.endswith("_FAILED"))
    ]
    return {"OperationEvents": found}


@operation(SERVICE, "DescribeStackResources")
def describe_stack_resources(call: Call, params: Params) -> dict[str, Any]:
    """The resources of a stack, or of the stack that has a physical id."""
    if params.get("StackName"):
        stack = find_stack(call, params["StackName"])
    else:
        wanted = params.get("PhysicalResourceId")
        owners = (
            item
            for item in STORE.all(call.account, call.region)
            if any(resource.physical_id == wanted for resource in item.resources.values())
        )
        found = next(owners, None)
        if found is None:
            raise refuse(f"Stack for {wanted} does not exist")
        stack = found
    logical = params.get("LogicalResourceId")
    resources = [item for item in stack.resources.values() if logical is None or item.logical_id == logical]
    return {"StackResources": [resource_dict(stack, item) for item in resources]}


@operation(SERVICE, "DescribeStackResource")
def describe_stack_resource(call: Call, params: Params) -> dict[str, Any]:
    """One resource of a stack."""
    stack = find_stack(call, params["StackName"])
    item = stack.resources.get(params["LogicalResourceId"])
    if item is None:
        raise refuse(f"Resource {params['LogicalResourceId']} does not exist for stack {stack.name}")
    detail = resource_dict(stack, item)
    detail["LastUpdatedTimestamp"] = detail.pop("Timestamp")
    return {"StackResourceDetail": detail}


@operation(SERVICE, "ListStackResources")
def list_stack_resources(call: Call, params: Params) -> dict[str, Any]:
    """The resources of a stack, in short."""
    stack = find_stack(call, params["StackName"])
    return {"StackResourceSummaries": [resource_summary(item) for item in stack.resources.values()]}


@operation(SERVICE, "GetTemplate")
def get_template(call: Call, params: Params) -> dict[str, Any]:
    """The template, as it was given."""
    stack = find_stack(call, params["StackName"])
    wanted = params.get("ChangeSetName")
    inputs = changesets.find(stack, wanted).inputs if wanted else stack.inputs
    body = "{}" if inputs is None else inputs.template.body
    return {"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}


@operation(SERVICE, "GetTemplateSummary")
def get_template_summary(call: Call, params: Params) -> dict[str, Any]:
    """What a template declares."""
    stack = find_stack(call, params["StackName"]) if params.get("StackName") else None
    if stack is not None and stack.inputs is not None:
        parsed = stack.inputs.template
    else:
        parsed = _parsed(call, params)
    return {
        "Description": parsed.description,
        "Parameters": _declarations(parsed),
        "ResourceTypes": sorted({resource.type for resource in parsed.resources.values()}),
        "ResourceIdentifierSummaries": [],
        **_capabilities(parsed),
        "Version": parsed.document.get("AWSTemplateFormatVersion"),
    }


@operation(SERVICE, "ValidateTemplate")
def validate_template(call: Call, params: Params) -> dict[str, Any]:
    """Check a template without a stack."""
    parsed = _parsed(call, params)
    declared = [
        {
            "ParameterKey": item["ParameterKey"],
            "DefaultValue": item.get("DefaultValue"),
            "NoEcho": item["NoEcho"],
            "Description": item.get("Description"),
        }
        for item in _declarations(parsed)
    ]
    return {"Description": parsed.description, "Parameters": declared, **_capabilities(parsed)}


def _parsed(call: Call, params: Params) -> template.Template:
    try:
        parsed = template.parse(template_text(call, params))
        graph.check_references(parsed, PSEUDO_PARAMETERS)
        graph.in_order(parsed.resources)
        _check_properties(parsed)
    except TemplateError as error:
        raise refuse(str(error)) from None
    return parsed


def _check_properties(parsed: template.Template) -> None:
    for resource in parsed.resources.values():
        known = properties_of(resource.type)
        unknown = sorted(set(resource.properties) - known) if known else []
        if unknown:
            raise TemplateError(f"Encountered unsupported property {unknown[0]} of {resource.logical_id}")


def _declarations(parsed: template.Template) -> list[dict[str, Any]]:
    found = []
    for name, rules in parsed.parameters.items():
        item = {
            "ParameterKey": name,
            "ParameterType": rules.get("Type", "String"),
            "NoEcho": str(rules.get("NoEcho", "false")).lower() == "true",
            "Description": rules.get("Description"),
            "ParameterConstraints": {"AllowedValues": [str(value) for value in rules.get("AllowedValues", ())]},
        }
        if "Default" in rules:
            item["DefaultValue"] = str(rules["Default"])
        found.append(item)
    return found


def _capabilities(parsed: template.Template) -> dict[str, Any]:
    makes = [resource for resource in parsed.resources.values() if resource.type in _IAM_TYPES]
    if not makes:
        return {}
    named = any(_NAMED.get(resource.type, "") in resource.properties for resource in makes)
    return {
        "Capabilities": ["CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"],
        "CapabilitiesReason": f"The following resource(s) require capabilities: [{makes[0].type}]",
    }


@operation(SERVICE, "ListExports")
def list_exports(call: Call, params: Params) -> dict[str, Any]:
    """Every exported output."""
    found = STORE.exports(call.account, call.region)
    return {
        "Exports": [
            {"ExportingStackId": stack.arn, "Name": name, "Value": output.value}
            for name, (stack, output) in sorted(found.items())
        ]
    }


@operation(SERVICE, "ListImports")
def list_imports(call: Call, params: Params) -> dict[str, Any]:
    """The stacks that use an export."""
    users = STORE.importers(call.account, call.region, params["ExportName"])
    if not users:
        raise refuse(f"Export '{params['ExportName']}' is not imported by any stack.")
    return {"Imports": users}


@operation(SERVICE, "UpdateTerminationProtection")
def update_termination_protection(call: Call, params: Params) -> dict[str, Any]:
    """Protect a stack from deletion, or no longer."""
    stack = find_stack(call, params["StackName"])
    stack.termination_protection = params["EnableTerminationProtection"]
    return {"StackId": stack.arn}


@operation(SERVICE, "SetStackPolicy")
def set_stack_policy(call: Call, params: Params) -> dict[str, Any]:
    """Keep a stack policy; it is not enforced."""
    find_stack(call, params["StackName"]).policy = params.get("StackPolicyBody")
    return {}


@operation(SERVICE, "GetStackPolicy")
def get_stack_policy(call: Call, params: Params) -> dict[str, Any]:
    """The policy that was set."""
    return {"StackPolicyBody": find_stack(call, params["StackName"]).policy}


@operation(SERVICE, "RollbackStack")
def rollback_stack(call: Call, params: Params) -> dict[str, Any]:
    """Undo a creation that failed and was left as it was."""
    stack = find_stack(call, params["StackName"])
    if stack.status != "CREATE_FAILED":
        raise refuse(f"Stack:{stack.arn} is in {stack.status} state and can not be rolled back.")
    stack.status = "ROLLBACK_IN_PROGRESS"
    engine.start(stack, engine.roll_back_creation)
    return {"StackId": stack.arn, "OperationId": stack.operation_id}


@operation(SERVICE, "ContinueUpdateRollback")
def continue_update_rollback(call: Call, params: Params) -> dict[str, Any]:
    """Declare a failed rollback done: the resources named are left as they are."""
    stack = find_stack(call, params["StackName"])
    if stack.status != "UPDATE_ROLLBACK_FAILED":
        raise refuse(f"Stack:{stack.arn} is in {stack.status} state and can not be continued.")
    stack.set_status("UPDATE_ROLLBACK_COMPLETE")
    return {}
