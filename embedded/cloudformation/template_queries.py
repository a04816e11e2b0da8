"""The operations that tell of templates, deployed or not."""

import json
from typing import Any

from embedded.cloudformation.changesets import operations as changesets
from embedded.cloudformation.errors import TemplateError
from embedded.cloudformation.inputs import (
    IAM_TYPES,
    SERVICE,
    find_stack,
    needed_capability,
    refuse,
    template_text,
)
from embedded.cloudformation.stack import Inputs
from embedded.cloudformation.templates import graph, template
from embedded.cloudformation.templates.order import hashed
from embedded.cloudformation.templates.schemas import identifier_of, properties_of, schema_of
from embedded.cloudformation.transforms import check_transforms, uses_transforms
from embedded.cloudformation.values import PSEUDO_PARAMETERS
from embedded.operations import Call, Params, ServiceError, operation


@operation(SERVICE, "GetTemplate")
def get_template(call: Call, params: Params) -> dict[str, Any]:
    """The template, as it was given."""
    wanted = params.get("ChangeSetName")
    if wanted and (params.get("StackName") or wanted.startswith("arn:")):
        return _template(changesets.locate(call, params)[1].inputs, params)
    if wanted:
        raise refuse("StackName is a required parameter.")
    if not params.get("StackName"):
        raise refuse("StackName is required if ChangeSetName is not specified.")
    return _template(find_stack(call, params["StackName"]).inputs, params)


def _template(inputs: Inputs | None, params: Params) -> dict[str, Any]:
    return {"TemplateBody": _body(inputs, params), "StagesAvailable": ["Original", "Processed"]}


def _body(inputs: Inputs | None, params: Params) -> str:
    if inputs is None:
        return "{}"
    if params.get("TemplateStage") == "Processed" and inputs.template.processed:
        return json.dumps(inputs.template.document)
    return inputs.template.body


@operation(SERVICE, "GetTemplateSummary")
def get_template_summary(call: Call, params: Params) -> dict[str, Any]:
    """What a template declares."""
    stack = find_stack(call, params["StackName"]) if params.get("StackName") else None
    inputs = None if stack is None else stack.inputs
    if stack is not None and inputs is None:
        raise refuse("GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks.")
    parsed = _parsed(call, params) if inputs is None else inputs.template
    metadata = parsed.document.get("Metadata")
    return {
        "Description": parsed.description,
        "Parameters": _declarations(parsed),
        "ResourceTypes": sorted({resource.type for resource in parsed.resources.values()}),
        "ResourceIdentifierSummaries": _identifiers(parsed),
        "Metadata": None if metadata is None else str(metadata),
        **_capabilities(parsed),
        "DeclaredTransforms": list(parsed.transforms) or None,
        "Version": parsed.document.get("AWSTemplateFormatVersion", "2010-09-09"),
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


@operation(SERVICE, "DescribeType")
def describe_type(call: Call, params: Params) -> dict[str, Any]:
    """What the registry says about a type of AWS's own, as far as the embedded cloud keeps it."""
    name = _type_name(params)
    schema = schema_of(name)
    if params.get("Type", "RESOURCE") != "RESOURCE" or schema is None:
        raise ServiceError("TypeNotFoundException", f"The type '{name}' does not exist.", status=404)
    return {
        "Arn": f"arn:aws:cloudformation:{call.region}::type/resource/{name.replace('::', '-')}",
        "Type": "RESOURCE",
        "TypeName": name,
        "Schema": json.dumps(schema),
        "Visibility": "PUBLIC",
        "DeprecatedStatus": "LIVE",
    }


def _type_name(params: Params) -> str:
    if params.get("TypeName"):
        return str(params["TypeName"])
    if params.get("Arn"):
        return str(params["Arn"]).rpartition("/")[2].replace("-", "::")
    raise ServiceError("CFNRegistryException", "Either Arn, or TypeName and Type, is required.")


def _parsed(call: Call, params: Params) -> template.Template:
    try:
        body = template_text(call, params)
        document = template.read_document(body)
        check_transforms(document)
        if uses_transforms(document):
            return template.undeployable(body)
        parsed = template.parse(body)
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


def _identifiers(parsed: template.Template) -> list[dict[str, Any]]:
    """The resources by type, and by what an import would have to name each."""
    by_type: dict[str, list[str]] = {}
    for resource in parsed.resources.values():
        by_type.setdefault(resource.type, []).append(resource.logical_id)
    return [
        {"ResourceType": name, "LogicalResourceIds": by_type[name], "ResourceIdentifiers": identifier_of(name) or None}
        for name in hashed(by_type)
    ]


def _declarations(parsed: template.Template) -> list[dict[str, Any]]:
    found = []
    for name in hashed(parsed.parameters):
        rules = parsed.parameters[name]
        allowed = [str(value) for value in rules.get("AllowedValues", ())]
        item = {
            "ParameterKey": name,
            "ParameterType": rules.get("Type", "String"),
            "NoEcho": str(rules.get("NoEcho", "false")).lower() == "true",
            "Description": rules.get("Description"),
            "ParameterConstraints": {"AllowedValues": allowed} if allowed else {},
        }
        if "Default" in rules:
            item["DefaultValue"] = str(rules["Default"])
        found.append(item)
    return found


def _capabilities(parsed: template.Template) -> dict[str, Any]:
    needed = needed_capability(parsed)
    if needed is None:
        return {}
    types = [resource.type for resource in parsed.resources.values() if resource.type in IAM_TYPES]
    return {
        "Capabilities": [needed],
        "CapabilitiesReason": f"The following resource(s) require capabilities: [{types[0]}]",
    }
