"""Where in a VPC a job or a notebook runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from constructs import Construct

from shardyard.foundation.security_group import TrainingSecurityGroup


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """Subnets and security groups as SageMaker's VpcConfig wants them; the project's own or existing ones."""

    vpc_id: str
    """The VPC; on synth a reference, or an id."""
    subnet_ids: Sequence[str]
    """One for each zone."""
    security_group_ids: Sequence[str]
    """The first lets all traffic pass between those who carry it, as EFA needs."""

    @classmethod
    def in_subnets(cls, scope: Construct, construct_id: str, *, vpc_id: str, subnet_ids: Sequence[str]) -> Self:
        """Subnets of an existing VPC, with a security group made in it."""
        group = TrainingSecurityGroup(Construct(scope, construct_id), "Training", vpc_id=vpc_id)
        return cls(vpc_id=vpc_id, subnet_ids=tuple(subnet_ids), security_group_ids=(group.group_id,))
