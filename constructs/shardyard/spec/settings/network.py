"""The network's settings: a new VPC, an existing one by its ids, or none."""

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.tree import setting

DOCKER_CIDR = "172.17.0.0/16"
"""The range of the Docker bridge on SageMaker's own hosts: containers cannot reach addresses in it."""

EndpointService = Literal[
    "ecr.api",
    "ecr.dkr",
    "git-codecommit",
    "kms",
    "logs",
    "monitoring",
    "sagemaker.api",
    "sagemaker.experiments",
    "sagemaker.runtime",
    "secretsmanager",
    "ssm",
    "ssmmessages",
    "states",
    "sts",
]
"""The services that can have an interface endpoint, by EC2's short names."""

_KEPT_BY_AWS = 5
"""Addresses of each subnet that no instance gets."""

_CIDR = r"\d{1,3}(\.\d{1,3}){3}/\d{1,2}"
_CIDR_SAYS = "an IPv4 range such as 10.42.0.0/16"


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkSettings:
    """Training and notebooks run in this network."""

    kind: Literal["new", "existing", "none"] = setting(
        "new", "`new` makes a VPC of isolated subnets, `existing` takes one by its ids, `none` uses SageMaker's own."
    )
    cidr: str = setting("10.42.0.0/16", "The new VPC's address range, /16 to /24.", pattern=_CIDR, says=_CIDR_SAYS)
    zones: int = setting(
        2,
        "How many availability zones the new VPC spans; the account's region must have as many (us-west-1 has two).",
        least=1,
        most=3,
    )
    zone_names: tuple[str, ...] = setting(
        (),
        "The new VPC's zones, by name or id, where not every service is in the first ones (`yard doctor` looks); "
        "another zone makes another subnet.",
        pattern=r"[a-z]{2,}(-[a-z]+)+-[0-9][a-z]|[a-z0-9]+-az[0-9]+",
        says="such as us-east-1a or use1-az4",
    )
    subnet_cidrs: tuple[str, ...] = setting(
        (),
        "One range per zone; by default equal parts of the VPC's range.",
        pattern=_CIDR,
        says=_CIDR_SAYS,
    )
    vpc_id: str = setting(
        "", "The existing VPC.", pattern=r"(vpc-[0-9a-f]{8,17})?", says="such as vpc-0123456789abcdef0"
    )
    subnet_ids: tuple[str, ...] = setting(
        (),
        "The existing VPC's subnets, which another account may share; the only route that training needs is one to S3.",
        pattern=r"subnet-[0-9a-f]{8,17}",
        says="such as subnet-0123456789abcdef0",
    )
    security_group_ids: tuple[str, ...] = setting(
        (),
        "Security groups in the existing VPC; by default a new one.",
        pattern=r"sg-[0-9a-f]{8,17}",
        says="such as sg-0123456789abcdef0",
    )
    interface_endpoints: tuple[EndpointService, ...] = setting(
        (), "Services to reach from inside the new VPC without a route out; each bills per hour and zone."
    )

    def __post_init__(self) -> None:
        problems = tuple(self._problems())
        if problems:
            raise SpecError(problems)

    def subnet_ranges(self) -> tuple[str, ...]:
        """The new VPC's subnets: as given, or equal parts of the VPC's range, a power of two of them."""
        if self.subnet_cidrs:
            return self.subnet_cidrs
        parts = ipaddress.IPv4Network(self.cidr).subnets(prefixlen_diff=(self.zones - 1).bit_length())
        return tuple(str(part) for part, _ in zip(parts, range(self.zones), strict=False))

    @property
    def largest_subnet_addresses(self) -> int | None:
        """How many addresses the new VPC's largest subnet has for instances; None where the subnets are not ours."""
        if self.kind != "new":
            return None
        return max(ipaddress.IPv4Network(text).num_addresses for text in self.subnet_ranges()) - _KEPT_BY_AWS

    def _problems(self) -> Iterator[Problem]:
        if self.kind == "existing":
            if not self.vpc_id:
                yield Problem("vpc_id", "missing; kind 'existing' needs the id of the VPC")
            if not self.subnet_ids:
                yield Problem("subnet_ids", "missing; kind 'existing' needs the ids of its subnets")
        else:
            for name in ("vpc_id", "subnet_ids", "security_group_ids"):
                if getattr(self, name):
                    yield Problem(name, f"is only used with network.kind 'existing', and kind is {self.kind!r}")
        if self.kind != "new" and self.interface_endpoints:
            yield Problem("interface_endpoints", f"are only made in a new VPC, and kind is {self.kind!r}")
        if self.kind != "new" and self.zone_names:
            yield Problem("zone_names", f"are only used in a new VPC, and kind is {self.kind!r}")
        if self.zone_names and len(set(self.zone_names)) != self.zones:
            yield Problem(
                "zone_names", f"{len(set(self.zone_names))} given for {self.zones} zones; give one for each zone"
            )
        if self.kind == "new":
            yield from _range_problems(self.cidr, self.subnet_cidrs, self.zones)


def _range_problems(cidr: str, subnet_cidrs: Sequence[str], zones: int) -> Iterator[Problem]:
    vpc, problem = _parse("cidr", cidr, shortest=16, longest=24)
    if problem is not None:
        yield problem
    elif vpc is not None and vpc.overlaps(ipaddress.IPv4Network(DOCKER_CIDR)):
        yield Problem("cidr", f"{cidr!r} overlaps {DOCKER_CIDR}, which Docker uses on SageMaker's hosts")
    if subnet_cidrs and len(subnet_cidrs) != zones:
        yield Problem("subnet_cidrs", f"{len(subnet_cidrs)} given for {zones} zones; give one for each zone")
    subnets: list[ipaddress.IPv4Network] = []
    for index, text in enumerate(subnet_cidrs):
        subnet, problem = _parse(f"subnet_cidrs[{index}]", text, shortest=16, longest=28)
        if problem is not None:
            yield problem
        elif subnet is not None:
            subnets.append(subnet)
            if vpc is not None and not subnet.subnet_of(vpc):
                yield Problem(f"subnet_cidrs[{index}]", f"{text!r} is not inside network.cidr {cidr!r}")
    for one, other in combinations(subnets, 2):
        if one.overlaps(other):
            yield Problem("subnet_cidrs", f"'{one}' overlaps '{other}'")


def _parse(
    where: str, text: str, *, shortest: int, longest: int
) -> tuple[ipaddress.IPv4Network | None, Problem | None]:
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError as error:
        return None, Problem(where, f"{text!r} is not an IPv4 range ({error})")
    if not shortest <= network.prefixlen <= longest:
        return None, Problem(where, f"{text!r} is not allowed (/{shortest} to /{longest})")
    return network, None
