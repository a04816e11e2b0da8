"""Where in a VPC a job or a notebook runs."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """Subnets and security groups as SageMaker's VpcConfig wants them; the project's own or existing ones."""

    vpc_id: str
    """The VPC; on synth a reference, or the id that the settings give."""
    subnet_ids: Sequence[str]
    """One for each zone."""
    security_group_ids: Sequence[str]
    """The first lets all traffic pass between those who carry it, as EFA needs."""
