"""The operations that tell of templates, deployed or not."""

from typing import Any

from embedded.cloudformation import changesets
from embedded.cloudformation.errors import TemplateError
from embedded.cloudformation.inputs import IAM_TYPES, SERVICE, find_stack, needed_capability, refuse, template_text
from embedded.cloudformation.templates import graph, template
from embedded.cloudformation.templates.schemas import properties_of
from embedded.cloudformation.values import PSEUDO_PARAMETERS
from embedded.operations import Call, Params, operation


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
    inputs = None if stack is None else stack.inputs
    parsed = _parsed(call, params) if inputs is None else inputs.template
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
    needed = needed_capability(parsed)
    if needed is None:
        return {}
    types = [resource.type for resource in parsed.resources.values() if resource.type in IAM_TYPES]
    return {
        "Capabilities": [needed],
        "CapabilitiesReason": f"The following resource(s) require capabilities: [{types[0]}]",
    }
