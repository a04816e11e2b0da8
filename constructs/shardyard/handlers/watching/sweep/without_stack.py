"""Unused resources with the project's tags that belong to no stack: someone created and forgot them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shardyard.handlers import aws
from shardyard.handlers.watching.sweep.leftover import Leftover, Limits

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
"""The kinds to look for, by the tagging API's types: what bills, and what prevents deleting a VPC."""


def without_stack(clients: aws.Clients, limits: Limits) -> Iterator[Leftover]:
    """Everything of these kinds that belongs to no stack and is unused; only reported, never stopped."""
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
            look = _LOOKS[kind]
            names, why = _unused(clients, look, names), why + look.adds
        yield from (Leftover(kind=KINDS[kind], name=name, why=why) for name in names)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Look:
    """How to ask EC2 about one kind, and what in its answer means unused."""

    operation: str
    answer: str
    id_field: str
    id_filter: str
    filters: str = "Filters"
    adds: str = ", and nothing uses it"
    unused: Callable[[Mapping[str, Any]], bool]


_LOOKS: Mapping[str, _Look] = {
    "ec2:elastic-ip": _Look(
        operation="describe_addresses",
        answer="Addresses",
        id_field="AllocationId",
        id_filter="allocation-id",
        unused=lambda one: "AssociationId" not in one,
    ),
    "ec2:natgateway": _Look(
        operation="describe_nat_gateways",
        answer="NatGateways",
        id_field="NatGatewayId",
        id_filter="nat-gateway-id",
        filters="Filter",
        # It bills whether or not something uses it; EC2 lists a deleted one for about an hour more.
        adds="",
        unused=lambda one: one["State"] not in ("deleting", "deleted"),
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
    """The unused resources among `names`, without those deleted in the meantime."""
    unused: list[str] = []
    for first in range(0, len(names), _AT_ONCE):
        # By a filter, because one id deleted in the meantime would fail the whole call.
        some = [{"Name": look.id_filter, "Values": list(names[first : first + _AT_ONCE])}]
        answer = getattr(clients("ec2"), look.operation)(**{look.filters: some})
        unused += [str(one[look.id_field]) for one in answer[look.answer] if look.unused(one)]
    return sorted(unused)
