"""The security group of everything that trains together."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from shardyard.spec.catalogue.file_systems import PORTS

PRIVATE_RANGES = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
"""Where a file system lies in a VPC whose own ranges are not known."""


class TrainingSecurityGroup(Construct):
    """All traffic to and from itself in both directions, and HTTPS out; nothing else but what file systems need."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc_id: str,
        file_systems: Sequence[str] = (),
        ranges: Sequence[str] = PRIVATE_RANGES,
    ) -> None:
        """`file_systems` are the kinds that channels mount; they lie in `ranges`."""
        super().__init__(scope, construct_id)
        self._ranges = ranges
        self.resource = ec2.CfnSecurityGroup(
            self,
            "Resource",
            group_description="Nodes of one training job reach each other; HTTPS out",
            vpc_id=vpc_id,
            # Lustre's servers call their clients as well.
            security_group_ingress=[ec2.CfnSecurityGroup.IngressProperty(**rule) for rule in self._rules("FSxLustre")]
            if "FSxLustre" in file_systems
            else None,
            # S3's gateway endpoint has public addresses. In an isolated subnet nothing else is reached by them.
            security_group_egress=[
                ec2.CfnSecurityGroup.EgressProperty(
                    ip_protocol="tcp",
                    from_port=443,
                    to_port=443,
                    cidr_ip="0.0.0.0/0",
                    description="HTTPS: S3 through its gateway endpoint, interface endpoints",
                ),
                *(
                    # A file system need not carry this group, whose rule to itself would do.
                    ec2.CfnSecurityGroup.EgressProperty(**rule)
                    for kind in sorted(file_systems)
                    for rule in self._rules(kind)
                ),
            ],
        )
        group_id = self.resource.attr_group_id
        ec2.CfnSecurityGroupIngress(
            self,
            "FromItself",
            group_id=group_id,
            ip_protocol="-1",
            source_security_group_id=group_id,
            description="Between the nodes",
        )
        # EFA does not use the answer path of a connection: without this rule its packets are dropped.
        ec2.CfnSecurityGroupEgress(
            self,
            "ToItself",
            group_id=group_id,
            ip_protocol="-1",
            destination_security_group_id=group_id,
            description="Between the nodes; EFA needs it",
        )

    def _rules(self, kind: str) -> list[dict[str, Any]]:
        """The traffic of one kind of file system, the same in both directions."""
        return [
            {
                "ip_protocol": "tcp",
                "from_port": first,
                "to_port": last,
                "cidr_ip": where,
                "description": f"{kind} file systems",
            }
            for first, last in PORTS[kind]
            for where in self._ranges
        ]

    @property
    def group_id(self) -> str:
        """The group's id."""
        return self.resource.attr_group_id
