"""Aliases: names that lead to one or two versions of a state machine."""

import datetime
import json
import re
from typing import Any

from moto.stepfunctions.models import StateMachineAlias

from embedded.operations import Call, Params, ServiceError, operation
from embedded.services.stepfunctions import arns, records
from embedded.services.stepfunctions.api.pages import page

_NAME = r"^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$"
_MOST_VERSIONS = 2


def _invalid(value: Any, field: str, constraint: str) -> ServiceError:
    text = f"1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: Member must"
    return ServiceError("ValidationException", f"{text} {constraint}")


def _check_routes(routes: list[dict[str, Any]]) -> None:
    """Refuse routes that do not lead to one or two versions of one machine, with weights that make a hundred."""
    listed = [route["stateMachineVersionArn"] for route in routes]
    weights = [route["weight"] for route in routes]
    shown = f"[{', '.join(listed)}]"
    if len(routes) > _MOST_VERSIONS:
        items = [
            f"RoutingConfigurationListItem(stateMachineVersionArn={arn}, weight={weight})"
            for arn, weight in zip(listed, weights, strict=True)
        ]
        value = f"[{', '.join(items)}]"
        raise _invalid(value, "routingConfiguration", f"have length less than or equal to {_MOST_VERSIONS}")
    if len(set(listed)) < len(listed):
        text = f"Routing configuration must contain distinct state machine version ARNs. Received: {shown}"
        raise ServiceError("ValidationException", text)
    for index, weight in enumerate(weights, start=1):
        if weight > 100:
            field = f"routingConfiguration.{index}.member.weight"
            raise _invalid(weight, field, "have value less than or equal to 100")
    if sum(weights) != 100:
        text = f"Sum of routing configuration weights must equal 100. Received: {json.dumps(weights)}"
        raise ServiceError("ValidationException", text)
    if any(not _is_version(arn) for arn in listed):
        text = f"Routing configuration must contain state machine version ARNs. Received: {shown}"
        raise ServiceError("ValidationException", text)
    if len({arn.rpartition(":")[0] for arn in listed}) > 1:
        text = f"Routing configuration must contain versions of one state machine. Received: {shown}"
        raise ServiceError("ValidationException", text)


def _is_version(arn: str) -> bool:
    parts = arn.split(":")
    return len(parts) == 8 and parts[5] == "stateMachine" and parts[7].isdigit()


def _routed_machine(call: Call, routes: list[dict[str, Any]]) -> records.Machine:
    """The machine whose versions the routes name."""
    found = records.machine(call, routes[0]["stateMachineVersionArn"].rpartition(":")[0])
    for route in routes:
        if records.version_by_arn(found, route["stateMachineVersionArn"]) is None:
            raise ServiceError("ResourceNotFound", "Request references a resource that does not exist.")
    return found


@operation("stepfunctions", "CreateStateMachineAlias")
def create_state_machine_alias(call: Call, params: Params) -> dict[str, Any]:
    """Create an alias; the same one a second time is the first."""
    name, routes = params["name"], params["routingConfiguration"]
    if len(name) > 80:
        raise _invalid(name, "name", "have length less than or equal to 80")
    if not re.match(_NAME, name):
        raise _invalid(name, "name", f"satisfy regular expression pattern: {_NAME}")
    _check_routes(routes)
    found = _routed_machine(call, routes)
    made = StateMachineAlias(name, found.arn, routes, params.get("description"))
    known = found.aliases.setdefault(made.arn, made)
    if (known.description, known.routing_configuration) != (made.description, routes):
        text = "Failed to create alias because an alias with the same name and a different routing configuration"
        raise ServiceError("ConflictException", f"{text} already exists.")
    return {"stateMachineAliasArn": known.arn, "creationDate": known.creation_date}


def _alias(call: Call, arn: str) -> tuple[records.Machine, StateMachineAlias]:
    base, qualifier = arns.split_machine(arn)
    if qualifier is None or qualifier.isdigit():
        raise ServiceError("InvalidArn", f"Invalid Arn: '{arn}'")
    for found in records.backend(call.account, call.region).state_machines:
        if found.arn == base and arn in found.aliases:
            return found, found.aliases[arn]
    raise ServiceError("ResourceNotFound", "Request references a resource that does not exist.")


@operation("stepfunctions", "DescribeStateMachineAlias")
def describe_state_machine_alias(call: Call, params: Params) -> dict[str, Any]:
    """Describe an alias."""
    _, alias = _alias(call, params["stateMachineAliasArn"])
    answer = {
        "stateMachineAliasArn": alias.arn,
        "name": alias.name,
        "routingConfiguration": alias.routing_configuration,
        "creationDate": alias.creation_date,
        "updateDate": alias.update_date,
    }
    return answer if alias.description is None else {**answer, "description": alias.description}


@operation("stepfunctions", "UpdateStateMachineAlias")
def update_state_machine_alias(call: Call, params: Params) -> dict[str, Any]:
    """Lead an alias elsewhere, or describe it otherwise."""
    routes, description = params.get("routingConfiguration"), params.get("description")
    if not routes and not description:
        text = "Either the description or the RoutingConfiguration must be specified"
        raise ServiceError("MissingRequiredParameter", text)
    _, alias = _alias(call, params["stateMachineAliasArn"])
    if routes:
        _check_routes(routes)
        _routed_machine(call, routes)
        alias.routing_configuration = routes
    if description:
        alias.description = description
    alias.update_date = datetime.datetime.now(tz=datetime.UTC)
    return {"updateDate": alias.update_date}


@operation("stepfunctions", "ListStateMachineAliases")
def list_state_machine_aliases(call: Call, params: Params) -> dict[str, Any]:
    """List a machine's aliases, or those that lead to one of its versions."""
    arn = params["stateMachineArn"]
    base, version = arns.split_machine(arn)
    found = records.machine(call, base)
    chosen = [
        alias
        for alias in found.aliases.values()
        if version is None or any(route["stateMachineVersionArn"] == arn for route in alias.routing_configuration)
    ]
    items = [{"stateMachineAliasArn": one.arn, "creationDate": one.creation_date} for one in chosen]
    some, following = page(items, params)
    return {"stateMachineAliases": some, **following}


@operation("stepfunctions", "DeleteStateMachineAlias")
def delete_state_machine_alias(call: Call, params: Params) -> dict[str, Any]:
    """Delete an alias; one that is not there is deleted already."""
    try:
        found, alias = _alias(call, params["stateMachineAliasArn"])
    except ServiceError as error:
        if error.code == "ResourceNotFound":
            return {}
        raise
    del found.aliases[alias.arn]
    return {}
