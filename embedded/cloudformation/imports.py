"""Imports: what exists already becomes the resources of a new stack, and stays as it is."""

from collections.abc import Mapping

from embedded.cloudformation.errors import ResourceError, TemplateError
from embedded.cloudformation.inputs import refuse
from embedded.cloudformation.operation import Operation
from embedded.cloudformation.providers import find
from embedded.cloudformation.stack import STORE, Inputs, Stack
from embedded.operations import Call, Params


def read(call: Call, params: Params, stack: Stack | None, inputs: Inputs) -> dict[str, str]:
    """The physical ids by logical id, as the request names them; what CloudFormation would not import is refused."""
    if stack is not None and stack.status != "REVIEW_IN_PROGRESS":
        raise refuse("the embedded cloud imports existing resources into new stacks alone")
    given = {item["LogicalResourceId"]: item for item in params.get("ResourcesToImport", ())}
    resources = inputs.template.resources
    missing = sorted(resources.keys() ^ given.keys())
    if missing or not given:
        raise refuse(f"An import into a new stack names each resource of its template; [{', '.join(missing)}] differ")
    raw = inputs.template.document["Resources"]
    bare = sorted(name for name in resources if "DeletionPolicy" not in raw[name])
    if bare:
        raise refuse(
            f"Resources to import must have a DeletionPolicy attribute specified in the template: [{', '.join(bare)}]"
        )
    found = {name: _physical_id(resources[name].type, item["ResourceIdentifier"]) for name, item in given.items()}
    for name, physical_id in found.items():
        owner = _owner(call, resources[name].type, physical_id)
        if owner is not None:
            raise refuse(f"{physical_id} belongs to the stack {owner} and cannot be imported as {name}")
    return found


def _physical_id(type_name: str, identifier: Mapping[str, str]) -> str:
    wanted = find(type_name).identifier
    if wanted is None:
        raise refuse(f"the embedded cloud does not import {type_name}")
    if set(identifier) != {wanted}:
        raise refuse(f"{type_name} is identified by {wanted}, not by {', '.join(sorted(identifier)) or 'nothing'}")
    return identifier[wanted]


def _owner(call: Call, type_name: str, physical_id: str) -> str | None:
    for stack in STORE.all(call.account, call.region):
        for item in stack.resources.values():
            if stack.status != "DELETE_COMPLETE" and (item.type, item.physical_id) == (type_name, physical_id):
                return stack.name
    return None


def adopt(stack: Stack, inputs: Inputs, physical_ids: Mapping[str, str]) -> None:
    """Import the resources; where one of them fails the stack has none, and all stay where they are."""
    stack.inputs = inputs
    stack.set_status("IMPORT_IN_PROGRESS", "User Initiated")
    operation = Operation(stack, inputs)
    try:
        for name in operation.prepare():
            operation.adopt(name, physical_ids[name])
        stack.outputs = operation.outputs()
    except (ResourceError, TemplateError) as error:
        stack.resources.clear()
        stack.set_status("IMPORT_ROLLBACK_IN_PROGRESS", operation.failure(error, "import"))
        stack.set_status("IMPORT_ROLLBACK_COMPLETE")
        return
    stack.imports = operation.lookup.imports
    stack.set_status("IMPORT_COMPLETE")
