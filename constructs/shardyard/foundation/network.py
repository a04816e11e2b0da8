"""A VPC without a way out: isolated subnets, S3 by a gateway endpoint, flow logs."""

import re
from collections.abc import Sequence
from functools import cached_property

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from aws_cdk.interfaces.aws_kms import IKeyRef
from constructs import Construct

from shardyard.core import policy
from shardyard.core.arns import ACCOUNT_ID, REGION, arn, key_arn
from shardyard.core.function import CustomResource, HandlerFunction
from shardyard.core.partition import chosen
from shardyard.core.project import Project
from shardyard.core.roles import THIS_ACCOUNT, service_role
from shardyard.foundation.placement import Placement
from shardyard.foundation.security_group import TrainingSecurityGroup
from shardyard.spec.catalogue.endpoint_services import CN_NAMES, service_name

_ZONE_ID = re.compile(r"[a-z0-9]+-az[0-9]+")


class Network(Construct):
    """The project's own VPC, and the security group of what trains in it."""

    placement: Placement
    """Where jobs and notebooks run."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: Project,
        key: IKeyRef,
        cidr: str,
        subnet_cidrs: Sequence[str],
        interface_endpoints: Sequence[str] = (),
        endpoint_zones: int = 1,
        file_systems: Sequence[str] = (),
        zones: Sequence[str] = (),
    ) -> None:
        """One subnet in a zone of its own for each of `subnet_cidrs`.

        The zones are the region's first, or `zones`, by name or by id.

        `interface_endpoints` are EC2's short names of services to reach from inside, each in so many zones;
        `file_systems` the kinds that channels mount.
        """
        super().__init__(scope, construct_id)
        self._project, self._cidr, self._zones = project, cidr, zones
        vpc_id, subnet_ids = self._vpc(key, cidr, subnet_cidrs)
        group = TrainingSecurityGroup(self, "Training", vpc_id=vpc_id, file_systems=file_systems, ranges=(cidr,))
        self.placement = Placement(
            vpc_id=vpc_id, subnet_ids=subnet_ids, security_group_ids=(group.group_id,), shared=False
        )
        if interface_endpoints:
            self._interface_endpoints(group.group_id, interface_endpoints, subnet_ids[:endpoint_zones])

    @cached_property
    def vpc(self) -> ec2.IVpc:
        """The VPC as CDK's own type, made when asked for."""
        subnet_ids = list(self.placement.subnet_ids)
        return ec2.Vpc.from_vpc_attributes(
            self,
            "VpcView",
            vpc_id=self.placement.vpc_id,
            vpc_cidr_block=self._cidr,
            availability_zones=[self._zone_name(index) for index in range(len(subnet_ids))],
            isolated_subnet_ids=subnet_ids,
        )

    @cached_property
    def security_group(self) -> ec2.ISecurityGroup:
        """The group of what trains, as CDK's own type, made when asked for."""
        return ec2.SecurityGroup.from_security_group_id(self, "GroupView", self.placement.security_group_ids[0])

    def _vpc(self, key: IKeyRef, cidr: str, subnet_cidrs: Sequence[str]) -> tuple[str, tuple[str, ...]]:
        vpc = ec2.CfnVPC(
            self,
            "Vpc",
            cidr_block=cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=[self._name("vpc")],
        )
        # One table is enough: no subnet has a route but the local one and the way to S3.
        routes = ec2.CfnRouteTable(self, "Routes", vpc_id=vpc.ref, tags=[self._name("isolated")])
        subnet_ids = tuple(self._subnet(vpc, routes, index, part) for index, part in enumerate(subnet_cidrs))
        self._s3_endpoint(vpc, routes)
        self._flow_logs(vpc, key)
        self._close_default_group(vpc, key)
        return vpc.ref, subnet_ids

    def _subnet(self, vpc: ec2.CfnVPC, routes: ec2.CfnRouteTable, index: int, cidr: str) -> str:
        subnet = ec2.CfnSubnet(
            self,
            f"Subnet{index + 1}",
            vpc_id=vpc.ref,
            availability_zone=self._zone_name(index) if self._zone_id(index) is None else None,
            availability_zone_id=self._zone_id(index),
            cidr_block=cidr,
            map_public_ip_on_launch=False,
            tags=[self._name(f"isolated-{index + 1}")],
        )
        ec2.CfnSubnetRouteTableAssociation(
            self, f"Subnet{index + 1}Routes", route_table_id=routes.ref, subnet_id=subnet.ref
        )
        return subnet.ref

    def _zone_id(self, index: int) -> str | None:
        """A name means another zone in each account; an id means the same in all."""
        return self._zones[index] if self._zones and _ZONE_ID.fullmatch(self._zones[index]) else None

    def _zone_name(self, index: int) -> str:
        if self._zones and self._zone_id(index) is None:
            return self._zones[index]
        return cdk.Fn.select(index, cdk.Fn.get_azs())

    def _s3_endpoint(self, vpc: ec2.CfnVPC, routes: ec2.CfnRouteTable) -> None:
        """Free, and the only way out. Others' buckets are only read: no copy leaves to a bucket that is not ours."""
        account = ACCOUNT_ID
        ours = {"StringEquals": {"aws:PrincipalAccount": account, "aws:ResourceAccount": account}}
        ec2.CfnVPCEndpoint(
            self,
            "S3",
            vpc_id=vpc.ref,
            service_name=f"com.amazonaws.{REGION}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[routes.ref],
            policy_document=policy.document(
                [
                    {**policy.allow(["s3:*"], ["*"], when=ours), "Principal": "*"},
                    # Image layers and public data sets lie in buckets of AWS and of others.
                    {
                        **policy.allow(["s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket"], ["*"]),
                        "Principal": "*",
                    },
                ]
            ),
        )

    def _interface_endpoints(self, training_group_id: str, services: Sequence[str], subnet_ids: Sequence[str]) -> None:
        group = ec2.CfnSecurityGroup(
            self,
            "Endpoints",
            group_description="Interface endpoints: HTTPS from training and notebooks",
            vpc_id=self.placement.vpc_id,
            security_group_ingress=[
                ec2.CfnSecurityGroup.IngressProperty(
                    ip_protocol="tcp",
                    from_port=443,
                    to_port=443,
                    source_security_group_id=training_group_id,
                    description="HTTPS from training and notebooks",
                )
            ],
            # An endpoint answers and never asks; without a rule of ours EC2 would add one that allows everything.
            security_group_egress=[
                ec2.CfnSecurityGroup.EgressProperty(
                    ip_protocol="icmp",
                    from_port=252,
                    to_port=86,
                    cidr_ip="255.255.255.255/32",
                    description="Nothing goes out",
                )
            ],
        )
        for service in services:
            self._interface_endpoint(service, group.attr_group_id, subnet_ids)

    def _interface_endpoint(self, service: str, group_id: str, subnet_ids: Sequence[str]) -> None:
        as_this_account = {"StringEquals": {"aws:PrincipalAccount": ACCOUNT_ID}}
        ec2.CfnVPCEndpoint(
            self,
            service,
            vpc_id=self.placement.vpc_id,
            service_name=service_name(service, region=REGION, domain=self._domain(service)),
            vpc_endpoint_type="Interface",
            private_dns_enabled=True,
            security_group_ids=[group_id],
            subnet_ids=list(subnet_ids),
            policy_document=policy.document([{**policy.allow(["*"], ["*"], when=as_this_account), "Principal": "*"}]),
        )

    def _domain(self, service: str) -> str:
        """What an endpoint's name begins with: in China, for most services and not for all, with `cn.`."""
        if service not in CN_NAMES:
            return "com.amazonaws"
        return chosen(self, outside="com.amazonaws", in_china="cn.com.amazonaws")

    def _flow_logs(self, vpc: ec2.CfnVPC, key: IKeyRef) -> None:
        group = logs.CfnLogGroup(
            self,
            "FlowLogGroup",
            log_group_name=f"/{self._project.prefix}/flow-logs",
            kms_key_id=key_arn(key),
            retention_in_days=self._project.log_days,
        )
        group.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        _, role = service_role(
            self,
            "FlowLog",
            project=self._project,
            service="vpc-flow-logs.amazonaws.com",
            when={**THIS_ACCOUNT, "ArnLike": {"aws:SourceArn": arn("ec2", "vpc-flow-log/*")}},
            allows="Write the VPC's flow logs",
            description="Writes the VPC's flow logs",
            statements=[
                policy.allow(["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"], [group.attr_arn])
            ],
        )
        ec2.CfnFlowLog(
            self,
            "FlowLog",
            resource_id=vpc.ref,
            resource_type="VPC",
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_group_name=group.ref,
            deliver_logs_permission_arn=role.attr_arn,
            tags=[self._name("flow-log")],
        )

    def _close_default_group(self, vpc: ec2.CfnVPC, key: IKeyRef) -> None:
        """Take every rule out of the group that a VPC is born with, so that nothing can lean on it."""
        closer = HandlerFunction(
            self,
            "DefaultSecurityGroup",
            project=self._project,
            handler="resources/default_security_group",
            description="Takes all rules out of the VPC's default security group",
            statements=[
                # Describe calls take no resource; the rules are removed from this one group.
                policy.allow(["ec2:DescribeSecurityGroups"], ["*"]),
                policy.allow(
                    ["ec2:RevokeSecurityGroupIngress", "ec2:RevokeSecurityGroupEgress"],
                    [arn("ec2", f"security-group/{vpc.attr_default_security_group}")],
                ),
            ],
            key=key,
        )
        CustomResource(
            self,
            "CloseDefaultGroup",
            kind="DefaultSecurityGroup",
            function=closer,
            properties={"GroupId": vpc.attr_default_security_group},
        )

    def _name(self, part: str) -> cdk.CfnTag:
        """EC2's console shows this tag where other services show a name."""
        return cdk.CfnTag(key="Name", value=f"{self._project.prefix}-{part}")
