"""Where in a VPC a job or a notebook runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from aws_cdk import aws_ec2 as ec2
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
    shared: bool = True
    """Whether another account may own the VPC and share its subnets; their ARNs carry that account's number."""

    @classmethod
    def in_subnets(
        cls,
        scope: Construct,
        construct_id: str,
        *,
        vpc_id: str,
        subnet_ids: Sequence[str],
        file_systems: Sequence[str] = (),
    ) -> Self:
        """Subnets of an existing VPC, with a group made in it; `file_systems` are the kinds that channels mount."""
        group = TrainingSecurityGroup(
            Construct(scope, construct_id), "Training", vpc_id=vpc_id, file_systems=file_systems
        )
        return cls(vpc_id=vpc_id, subnet_ids=tuple(subnet_ids), security_group_ids=(group.group_id,))

    @classmethod
    def from_vpc(
        cls,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        subnets: Sequence[ec2.ISubnet] = (),
        security_groups: Sequence[ec2.ISecurityGroup] = (),
        file_systems: Sequence[str] = (),
    ) -> Self:
        """A VPC that a team has: these of its subnets; by default its private ones, or else its isolated ones.

        Without `security_groups` one is made, in which all nodes of a job reach each other, and the `file_systems`
        (`FSxLustre`, `EFS`) that channels mount. Of those that are given the first must let all traffic pass between
        its members.
        """
        found = next((some for some in (subnets, vpc.private_subnets, vpc.isolated_subnets) if some), None)
        if found is None:
            raise ValueError(
                f"{scope.node.path}/{construct_id}: the VPC has neither private nor isolated subnets, and SageMaker "
                "gives a container no public address; name its subnets with `subnets`"
            )
        chosen = tuple(subnet.subnet_id for subnet in found)
        if not security_groups:
            return cls.in_subnets(scope, construct_id, vpc_id=vpc.vpc_id, subnet_ids=chosen, file_systems=file_systems)
        groups = tuple(group.security_group_id for group in security_groups)
        return cls(vpc_id=vpc.vpc_id, subnet_ids=chosen, security_group_ids=groups)
