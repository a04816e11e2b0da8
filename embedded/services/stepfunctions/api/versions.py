"""Published versions of state machines."""

from typing import Any

from embedded.operations import Call, Params, ServiceError, operation
from embedded.services.stepfunctions import arns, records
from embedded.services.stepfunctions.api.pages import page


@operation("stepfunctions", "PublishStateMachineVersion")
def publish_state_machine_version(call: Call, params: Params) -> dict[str, Any]:
    """Publish the current revision."""
    found = records.machine(call, params["stateMachineArn"])
    revision = params.get("revisionId")
    if revision is not None and revision != found.revision_id:
        text = (
            f"Failed to publish the State Machine version for revision {revision}. The current State Machine revision"
        )
        raise ServiceError("ConflictException", f"{text} is {found.revision_id}.")
    version = found.version_of_revision(params.get("description"))
    return {"stateMachineVersionArn": version.arn, "creationDate": version.creation_date}


@operation("stepfunctions", "ListStateMachineVersions")
def list_state_machine_versions(call: Call, params: Params) -> dict[str, Any]:
    """List a machine's versions, the newest first."""
    found = records.machine(call, params["stateMachineArn"])
    newest = sorted(found.versions.values(), key=lambda one: int(one.version), reverse=True)
    items = [{"stateMachineVersionArn": one.arn, "creationDate": one.creation_date} for one in newest]
    some, following = page(items, params)
    return {"stateMachineVersions": some, **following}


@operation("stepfunctions", "DeleteStateMachineVersion")
def delete_state_machine_version(call: Call, params: Params) -> dict[str, Any]:
    """Delete a version that no alias leads to."""
    arn = params["stateMachineVersionArn"]
    base, qualifier = arns.split_machine(arn)
    if qualifier is None or not qualifier.isdigit():
        raise ServiceError("InvalidArn", f"Invalid Arn: '{arn}'")
    found = next((one for one in records.backend(call.account, call.region).state_machines if one.arn == base), None)
    version = None if found is None else records.version_by_arn(found, arn)
    if found is None or version is None:
        return {}
    names = [
        alias.name
        for alias in found.aliases.values()
        if any(route["stateMachineVersionArn"] == arn for route in alias.routing_configuration)
    ]
    if names:
        text = "Version to be deleted must not be referenced by an alias. Current list of aliases referencing this"
        raise ServiceError("ConflictException", f"{text} version: [{', '.join(names)}]")
    found.withdraw(version)
    return {}
