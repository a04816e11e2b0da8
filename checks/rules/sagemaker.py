"""What SageMaker refuses at deploy and other linters let pass."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from checks.rules.model import Assembly, Finding, Resource, as_list, at, is_known

NOTEBOOK = "AWS::SageMaker::NotebookInstance"
MODEL = "AWS::SageMaker::Model"
ENDPOINT_CONFIG = "AWS::SageMaker::EndpointConfig"
FEATURE_GROUP = "AWS::SageMaker::FeatureGroup"
PIPELINE = "AWS::SageMaker::Pipeline"
SERVERLESS_MEMORY_MB = (1024, 2048, 3072, 4096, 5120, 6144)


def notebook_platform(assembly: Assembly) -> Iterator[Finding]:
    """Only notebook-al2023-v1 still gets patches; the older platforms are retired."""
    for notebook in assembly.resources(NOTEBOOK):
        platform = notebook.properties.get("PlatformIdentifier")
        if is_known(platform) and platform != "notebook-al2023-v1":
            yield _found("notebook-platform", notebook, f"platform {platform!r} is retired; use 'notebook-al2023-v1'")


def notebook_needs_subnet(assembly: Assembly) -> Iterator[Finding]:
    """Without direct internet access a notebook is only reached through a subnet."""
    for notebook in assembly.resources(NOTEBOOK):
        if notebook.properties.get("DirectInternetAccess") == "Disabled" and "SubnetId" not in notebook.properties:
            yield _found("notebook-needs-subnet", notebook, "DirectInternetAccess 'Disabled' needs a SubnetId")


def notebook_needs_group(assembly: Assembly) -> Iterator[Finding]:
    """A notebook in a subnet needs a security group."""
    for notebook in assembly.resources(NOTEBOOK):
        if "SubnetId" in notebook.properties and not notebook.properties.get("SecurityGroupIds"):
            yield _found("notebook-needs-group", notebook, "a SubnetId needs SecurityGroupIds")


def no_elastic_inference(assembly: Assembly) -> Iterator[Finding]:
    """Elastic Inference is no longer available."""
    for notebook in assembly.resources(NOTEBOOK):
        if notebook.properties.get("AcceleratorTypes"):
            yield _found("no-elastic-inference", notebook, "AcceleratorTypes: Elastic Inference is retired; use a GPU")
    for config, variant in _variants(assembly):
        if "AcceleratorType" in variant:
            yield _found("no-elastic-inference", config, "AcceleratorType: Elastic Inference is retired; use a GPU")


def model_one_kind_of_container(assembly: Assembly) -> Iterator[Finding]:
    """A model has a primary container or a list of containers."""
    for model in assembly.resources(MODEL):
        if "PrimaryContainer" in model.properties and "Containers" in model.properties:
            yield _found("model-one-kind-of-container", model, "PrimaryContainer and Containers exclude each other")


def model_has_container(assembly: Assembly) -> Iterator[Finding]:
    """A model without a container holds nothing."""
    for model in assembly.resources(MODEL):
        if not any(model.properties.get(name) for name in ("PrimaryContainer", "Containers")):
            yield _found("model-has-container", model, "needs PrimaryContainer or Containers")


def environment_is_text(assembly: Assembly) -> Iterator[Finding]:
    """Environment variables are texts; a number or a boolean is refused."""
    for model in assembly.resources(MODEL):
        for container in _containers(model):
            for name, value in container.get("Environment", {}).items():
                if is_known(value) and not isinstance(value, str):
                    yield _found("environment-is-text", model, f"variable {name} is {value!r}; write {str(value)!r}")


def variant_one_kind_of_capacity(assembly: Assembly) -> Iterator[Finding]:
    """A variant runs on instances or serverless."""
    for config, variant in _variants(assembly):
        if "ServerlessConfig" in variant and ("InstanceType" in variant or "InitialInstanceCount" in variant):
            message = f"variant {variant.get('VariantName')!r} has both ServerlessConfig and instances"
            yield _found("variant-one-kind-of-capacity", config, message)


def serverless_memory(assembly: Assembly) -> Iterator[Finding]:
    """Serverless memory comes in steps of 1 GB."""
    allowed = ", ".join(map(str, SERVERLESS_MEMORY_MB))
    for config, variant in _variants(assembly):
        memory = at(variant, "ServerlessConfig.MemorySizeInMB")
        if memory is not None and is_known(memory) and memory not in SERVERLESS_MEMORY_MB:
            yield _found("serverless-memory", config, f"MemorySizeInMB {memory} is not allowed (one of {allowed})")


def variant_has_model(assembly: Assembly) -> Iterator[Finding]:
    """A variant names its model, unless the endpoint is for inference components."""
    for config, variant in _variants(assembly):
        if "ModelName" not in variant and "ExecutionRoleArn" not in config.properties:
            message = (
                f"variant {variant.get('VariantName')!r} needs a ModelName, or the configuration an ExecutionRoleArn "
                "for inference components"
            )
            yield _found("variant-has-model", config, message)


def features_are_defined(assembly: Assembly) -> Iterator[Finding]:
    """The record identifier and the event time are features of the group."""
    for group in assembly.resources(FEATURE_GROUP):
        defined = [feature.get("FeatureName") for feature in as_list(group.properties.get("FeatureDefinitions"))]
        for name in ("RecordIdentifierFeatureName", "EventTimeFeatureName"):
            value = group.properties.get(name)
            if value is not None and is_known(value) and value not in defined:
                yield _found("features-are-defined", group, f"{name} {value!r} is not among FeatureDefinitions")


def feature_group_has_store(assembly: Assembly) -> Iterator[Finding]:
    """A feature group keeps its records online, offline or both."""
    for group in assembly.resources(FEATURE_GROUP):
        if "OnlineStoreConfig" not in group.properties and "OfflineStoreConfig" not in group.properties:
            yield _found("feature-group-has-store", group, "needs OnlineStoreConfig or OfflineStoreConfig")


def pipeline_is_json(assembly: Assembly) -> Iterator[Finding]:
    """A pipeline's body is JSON."""
    for pipeline in assembly.resources(PIPELINE):
        body = at(pipeline.properties, "PipelineDefinition.PipelineDefinitionBody")
        if isinstance(body, str) and _json(body) is None:
            yield _found("pipeline-is-json", pipeline, "PipelineDefinitionBody is not a JSON object")


def pipeline_has_steps(assembly: Assembly) -> Iterator[Finding]:
    """A pipeline's body has a known version and steps with names and types."""
    for pipeline in assembly.resources(PIPELINE):
        body = at(pipeline.properties, "PipelineDefinition.PipelineDefinitionBody")
        content = _json(body) if isinstance(body, str) else None
        if content is None:
            continue
        steps = content.get("Steps")
        if content.get("Version") != "2020-12-01":
            message = f"Version {content.get('Version')!r} is not allowed (2020-12-01)"
            yield _found("pipeline-has-steps", pipeline, message)
        if not isinstance(steps, list) or not steps:
            yield _found("pipeline-has-steps", pipeline, "PipelineDefinitionBody needs a list of Steps")
        elif not all(isinstance(step, dict) and step.get("Name") and step.get("Type") for step in steps):
            yield _found("pipeline-has-steps", pipeline, "each of the Steps needs a Name and a Type")


_RATE = re.compile(r"rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)")
_MONTHS = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC"
_DAYS = "SUN|MON|TUE|WED|THU|FRI|SAT"
_CRON_FIELDS = (
    ("minutes", r"\d+", 0, 59),
    ("hours", r"\d+", 0, 23),
    ("day of month", r"\d+|L|\d+W|LW", 1, 31),
    ("month", rf"\d+|{_MONTHS}", 1, 12),
    ("day of week", rf"\d+|{_DAYS}|L|(\d|{_DAYS})L|(\d|{_DAYS})#[1-5]", 1, 7),
    ("year", r"\d+", 1970, 2199),
)


def schedules_are_valid(assembly: Assembly) -> Iterator[Finding]:
    """A cron expression has six fields, and exactly one of the two day fields is a question mark."""
    places = {
        "AWS::Events::Rule": "ScheduleExpression",
        "AWS::Scheduler::Schedule": "ScheduleExpression",
        "AWS::SageMaker::MonitoringSchedule": "MonitoringScheduleConfig.ScheduleConfig.ScheduleExpression",
    }
    for resource in assembly.resources(*places):
        expression = at(resource.properties, places[resource.type])
        if isinstance(expression, str):
            problem = _schedule_problem(expression)
            if problem:
                yield _found("schedules-are-valid", resource, f"schedule {expression!r}: {problem}")


def _schedule_problem(expression: str) -> str | None:
    if _RATE.fullmatch(expression) or expression == "NOW" or expression.startswith("at("):
        return None
    match = re.fullmatch(r"cron\((.*)\)", expression)
    if match is None:
        return "is neither rate(N minutes), rate(N hours), rate(N days) nor cron(...)"
    fields = match[1].split()
    if len(fields) != len(_CRON_FIELDS):
        return f"has {len(fields)} fields instead of 6 (minutes hours day month weekday year)"
    if (fields[2] == "?") == (fields[4] == "?"):
        return "exactly one of day of month and day of week must be '?'"
    for field, (name, pattern, least, most) in zip(fields, _CRON_FIELDS, strict=True):
        for part in re.split(r"[,/-]", field):
            number_fits = not part.isdigit() or least <= int(part) <= most or "/" in field
            if part not in ("*", "?") and not (re.fullmatch(pattern, part) and number_fits):
                return f"{name} {field!r} is not allowed ({least} to {most})"
    return None


def _variants(assembly: Assembly) -> Iterator[tuple[Resource, Mapping[str, Any]]]:
    for config in assembly.resources(ENDPOINT_CONFIG):
        for name in ("ProductionVariants", "ShadowProductionVariants"):
            for variant in as_list(config.properties.get(name)):
                yield config, variant


def _containers(model: Resource) -> list[Mapping[str, Any]]:
    return [*as_list(model.properties.get("PrimaryContainer")), *as_list(model.properties.get("Containers"))]


def _json(body: str) -> dict[str, Any] | None:
    try:
        content = json.loads(body)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _found(rule: str, resource: Resource, message: str) -> Finding:
    return Finding(rule=rule, where=resource.where, message=message)


RULES = (
    notebook_platform,
    notebook_needs_subnet,
    notebook_needs_group,
    no_elastic_inference,
    model_one_kind_of_container,
    model_has_container,
    environment_is_text,
    variant_one_kind_of_capacity,
    serverless_memory,
    variant_has_model,
    features_are_defined,
    feature_group_has_store,
    pipeline_is_json,
    pipeline_has_steps,
    schedules_are_valid,
)
"""The fifteen kinds that cfn-lint 1.58 misses."""
