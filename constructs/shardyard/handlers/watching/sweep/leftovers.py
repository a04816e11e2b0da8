"""Things that carry the project's tags, belong to no stack, and hang on nothing: a person made them and forgot them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shardyard.handlers import aws
from shardyard.handlers.watching.sweep.finding import Finding, Limits

STACK_TAG = "aws:cloudformation:stack-name"
_AT_ONCE = 100

KINDS: Mapping[str, str] = {
    "ec2:elastic-ip": "elastic IP",
    "ec2:natgateway": "NAT gateway",
    "ec2:network-interface": "network interface",
    "ec2:volume": "volume",
    "elasticfilesystem:file-system": "EFS file system",
    "fsx:file-system": "FSx file system",
    "sagemaker:app": "Studio app",
    "sagemaker:cluster": "HyperPod cluster",
    "sagemaker:mlflow-tracking-server": "MLflow tracking server",
}
"""What is looked for, by the type that the tagging API knows it by: what bills, and what keeps a VPC from going."""


def without_stack(clients: aws.Clients, limits: Limits) -> Iterator[Finding]:
    """Everything of these kinds that no stack holds and nothing uses: only ever reported."""
    pages = clients("resourcegroupstaggingapi").get_paginator("get_resources")
    filters = [{"Key": "project", "Values": [limits.project]}, {"Key": "stage", "Values": [limits.stage]}]
    found: dict[str, list[str]] = {}
    for page in pages.paginate(TagFilters=filters, ResourceTypeFilters=list(KINDS)):
        for resource in page["ResourceTagMappingList"]:
            if STACK_TAG not in {tag["Key"] for tag in resource["Tags"]}:
                _, _, service, _, _, rest = resource["ResourceARN"].split(":", 5)
                kind, _, name = rest.partition("/")
                found.setdefault(f"{service}:{kind}", []).append(name)
    for kind, names in sorted(found.items()):
        why = "it carries the project's tags and belongs to no stack"
        if kind in _LOOKS:
            names, why = _unused(clients, _LOOKS[kind], names), f"{why}, and nothing uses it"
        yield from (Finding(kind=KINDS[kind], name=name, why=why) for name in names)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Look:
    """How EC2 is asked about one kind, and what in its answer says that nothing uses a thing."""

    operation: str
    answer: str
    id_field: str
    id_filter: str
    unused: Callable[[Mapping[str, Any]], bool]


_LOOKS: Mapping[str, _Look] = {
    "ec2:elastic-ip": _Look(
        operation="describe_addresses",
        answer="Addresses",
        id_field="AllocationId",
        id_filter="allocation-id",
        unused=lambda one: "AssociationId" not in one,
    ),
    "ec2:network-interface": _Look(
        operation="describe_network_interfaces",
        answer="NetworkInterfaces",
        id_field="NetworkInterfaceId",
        id_filter="network-interface-id",
        unused=lambda one: bool(one["Status"] == "available"),
    ),
    "ec2:volume": _Look(
        operation="describe_volumes",
        answer="Volumes",
        id_field="VolumeId",
        id_filter="volume-id",
        unused=lambda one: bool(one["State"] == "available"),
    ),
}


def _unused(clients: aws.Clients, look: _Look, names: Sequence[str]) -> list[str]:
    """Those of the things that nothing uses; one that is gone meanwhile is not among them."""
    unused: list[str] = []
    for first in range(0, len(names), _AT_ONCE):
        # By a filter, because an id that is gone meanwhile would fail the call for all the others.
        some = [{"Name": look.id_filter, "Values": list(names[first : first + _AT_ONCE])}]
        answer = getattr(clients("ec2"), look.operation)(Filters=some)
        unused += [str(one[look.id_field]) for one in answer[look.answer] if look.unused(one)]
    return sorted(unused)
