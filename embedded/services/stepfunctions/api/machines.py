"""State machines: created, changed, described and deleted."""

import json
from collections.abc import Mapping
from typing import Any

from moto.logs.models import logs_backends
from moto.stepfunctions.parser.asl.static_analyser.variable_references_static_analyser import (
    VariableReferencesStaticAnalyser,
)

from embedded.access import roles
from embedded.operations import Call, Params, ServiceError, check, operation
from embedded.services.stepfunctions import arns
from embedded.services.stepfunctions.api import definitions
from embedded.services.stepfunctions.api.pages import page
from embedded.services.stepfunctions.credentials import SESSION, STATES
from embedded.services.stepfunctions.permissions import EVENT_RULES, missing_for_log, missing_for_rule
from embedded.services.stepfunctions.records import Machine, backend, machine, target

_OFF = {"level": "OFF", "includeExecutionData": False}
_INVALID_LOG = "Invalid Logging Configuration:"


def _check_role(call: Call, role_arn: str) -> None:
    try:
        roles.assume(role_arn, service=STATES, session=SESSION, region=call.region)
    except ServiceError as error:
        text = f"Neither the global service principal {STATES}, nor the regional one is authorized to assume the "
        raise ServiceError("AccessDeniedException", f"{text}provided role. ({error.message})") from error


def _check_managed_rules(call: Call, role_arn: str, definition: str) -> None:
    """A `.sync` task needs the rule by which Step Functions hears of a job's end."""
    for _, state in definitions.tasks(json.loads(definition)):
        match = definitions.SAGEMAKER.match(state["Resource"])
        if match is None or not match[2] or match[1] not in EVENT_RULES:
            continue
        lacking = missing_for_rule(role_arn, call.region, call.account, match[1])
        if lacking:
            what = f"it lacks {', '.join(lacking)} on {EVENT_RULES[match[1]]}"
            text = f"'{role_arn}' is not authorized to create managed-rule. ({what})"
            raise ServiceError("AccessDeniedException", text)


def _log_settings(call: Call, role_arn: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The logging configuration with its defaults, or the service's refusal."""
    settings = {**_OFF, **given}
    destinations = settings.get("destinations", [])
    if len(destinations) > 1 or (settings["level"] != "OFF" and not destinations):
        text = f"{_INVALID_LOG} Must specify exactly one Log Destination."
        raise ServiceError("InvalidLoggingConfiguration", text)
    for destination in destinations:
        group = destination.get("cloudWatchLogsLogGroup", {}).get("logGroupArn", "").split(":")
        if len(group) < 7 or group[6] not in logs_backends[group[4]][group[3]].groups:
            raise ServiceError("InvalidLoggingConfiguration", f"{_INVALID_LOG} Log Destination not found.")
    if settings["level"] != "OFF" and missing_for_log(role_arn, call.region):
        text = "The state machine IAM Role is not authorized to access the Log Destination"
        lacking = ", ".join(missing_for_log(role_arn, call.region))
        raise ServiceError("AccessDeniedException", f"{text} (it lacks {lacking} on *)")
    return settings


def _check_description(params: Params) -> None:
    if params.get("versionDescription") and not params.get("publish"):
        raise ServiceError("ValidationException", "Version description can only be set when publish is true")


@operation("stepfunctions", "CreateStateMachine")
def create_state_machine(call: Call, params: Params) -> dict[str, Any]:
    """Create a machine whose role Step Functions may take on, and whose definition it can read."""
    _check_description(params)
    arns.check_name(params["name"])
    kind, role_arn, definition = params.get("type", "STANDARD"), params["roleArn"], params["definition"]
    _check_role(call, role_arn)
    log = _log_settings(call, role_arn, params.get("loggingConfiguration") or {})
    definitions.check(definition, kind)
    _check_managed_rules(call, role_arn, definition)
    store = backend(call.account, call.region)
    made = Machine(
        arn=f"arn:aws:states:{call.region}:{call.account}:stateMachine:{params['name']}",
        name=params["name"],
        definition=definition,
        roleArn=role_arn,
        backend=store,
        encryptionConfiguration=params.get("encryptionConfiguration"),
        loggingConfiguration=log,
        tracingConfiguration=params.get("tracingConfiguration"),
        sm_type=kind,
    )
    found = next((one for one in store.state_machines if one.name == made.name), None)
    if found is not None and _settings(found) != _settings(made):
        raise ServiceError("StateMachineAlreadyExists", f"State Machine Already Exists: '{found.arn}'")
    if found is None:
        found = made
        store.state_machines.append(made)
        if params.get("tags"):
            store.tagger.tag_resource(made.arn, params["tags"])
    answer = {"stateMachineArn": found.arn, "creationDate": found.creation_date}
    if params.get("publish"):
        answer["stateMachineVersionArn"] = found.version_of_revision(params.get("versionDescription")).arn
    return answer


def _settings(one: Machine) -> tuple[Any, ...]:
    """What makes a second creation the same as the first; the role is left out."""
    return one.definition, one.sm_type, one.loggingConfiguration, one.tracingConfiguration


_CHANGEABLE = (
    "definition",
    "roleArn",
    "loggingConfiguration",
    "tracingConfiguration",
    "encryptionConfiguration",
)


@operation("stepfunctions", "UpdateStateMachine")
def update_state_machine(call: Call, params: Params) -> dict[str, Any]:
    """Change a machine; running executions keep the definition that they started with."""
    _check_description(params)
    found = machine(call, params["stateMachineArn"])
    changes = {name: params[name] for name in _CHANGEABLE if params.get(name)}
    if not changes and not params.get("publish"):
        text = "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration"
        raise ServiceError("MissingRequiredParameter", f"{text} must be specified")
    role_arn, definition = str(changes.get("roleArn", found.roleArn)), str(changes.get("definition", found.definition))
    _check_role(call, role_arn)
    log = _log_settings(call, role_arn, changes.get("loggingConfiguration", found.loggingConfiguration) or {})
    if "loggingConfiguration" in changes:
        changes["loggingConfiguration"] = log
    definitions.check(definition, found.sm_type)
    _check_managed_rules(call, role_arn, definition)
    if json.loads(definition) == json.loads(found.definition):
        changes.pop("definition", None)
    found.revise(changes)
    answer: dict[str, Any] = {"updateDate": found.update_date}
    if found.revision_id is not None:
        answer["revisionId"] = found.revision_id
    if params.get("publish"):
        answer["stateMachineVersionArn"] = found.version_of_revision(params.get("versionDescription")).arn
    return answer


def described(settings: Any) -> dict[str, Any]:
    """What describing a machine, a version or an execution's machine has in common."""
    answer = {
        "name": settings.name,
        "definition": settings.definition,
        "roleArn": settings.roleArn,
        "loggingConfiguration": settings.loggingConfiguration,
        "tracingConfiguration": settings.tracingConfiguration,
        "encryptionConfiguration": settings.encryptionConfiguration,
    }
    if getattr(settings, "revision_id", None) is not None:
        answer["revisionId"] = settings.revision_id
    references = VariableReferencesStaticAnalyser.process_and_get(definition=settings.definition)
    if references:
        answer["variableReferences"] = references
    return answer


@operation("stepfunctions", "DescribeStateMachine")
def describe_state_machine(call: Call, params: Params) -> dict[str, Any]:
    """Describe a machine, one of its versions, or the version that an alias leads to."""
    named = target(call, params["stateMachineArn"])
    settings = named.settings
    answer = described(settings) | {
        "stateMachineArn": settings.arn,
        "status": "ACTIVE",
        "type": settings.sm_type,
        "creationDate": settings.creation_date,
    }
    if named.version is not None and named.version.description:
        answer["description"] = named.version.description
    return answer


@check("stepfunctions", "TagResource", "UntagResource")
def _refuse_tags_of_versions(call: Call, params: Params) -> None:
    """Machines and activities have tags; moto would tag any ARN."""
    del call
    if params["resourceArn"].count(":") > 6:
        raise ServiceError("ResourceNotFound", f"Resource not found: '{params['resourceArn']}'")


@operation("stepfunctions", "ListStateMachines")
def list_state_machines(call: Call, params: Params) -> dict[str, Any]:
    """List machines by their names."""
    found = sorted(backend(call.account, call.region).state_machines, key=lambda one: str(one.name))
    items = [
        {"stateMachineArn": one.arn, "name": one.name, "type": one.sm_type, "creationDate": one.creation_date}
        for one in found
    ]
    some, following = page(items, params)
    return {"stateMachines": some, **following}


@operation("stepfunctions", "DeleteStateMachine")
def delete_state_machine(call: Call, params: Params) -> dict[str, Any]:
    """Delete a machine with its versions and aliases; one that is not there is deleted already."""
    arns.check(params["stateMachineArn"], "stateMachine")
    store = backend(call.account, call.region)
    store.state_machines = [one for one in store.state_machines if one.arn != params["stateMachineArn"]]
    return {}
