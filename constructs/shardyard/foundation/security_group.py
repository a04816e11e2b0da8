"""The security group of everything that trains together."""

from aws_cdk import aws_ec2 as ec2
from constructs import Construct


class TrainingSecurityGroup(Construct):
    """All traffic to and from itself in both directions, and HTTPS out; nothing else comes in."""

    def __init__(self, scope: Construct, construct_id: str, *, vpc_id: str) -> None:
        super().__init__(scope, construct_id)
        self.resource = ec2.CfnSecurityGroup(
            self,
            "Resource",
            group_description="Nodes of one training job reach each other; HTTPS out",
            vpc_id=vpc_id,
            # S3's gateway endpoint has public addresses. In an isolated subnet nothing else is reached by them.
            security_group_egress=[
                ec2.CfnSecurityGroup.EgressProperty(
                    ip_protocol="tcp",
                    from_port=443,
                    to_port=443,
                    cidr_ip="0.0.0.0/0",
                    description="HTTPS: S3 through its gateway endpoint, interface endpoints",
                )
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

    @property
    def group_id(self) -> str:
        """The group's id."""
        return self.resource.attr_group_id
