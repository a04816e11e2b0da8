"""What the inventory lists of this service."""

from collections.abc import Iterator

from embedded import inventory
from embedded.clients import client

inventory.listed("flow logs", "ec2", "describe_flow_logs", "FlowLogs", "FlowLogId")
inventory.listed("networks", "ec2", "describe_vpcs", "Vpcs", "VpcId")
inventory.listed("route tables", "ec2", "describe_route_tables", "RouteTables", "RouteTableId")
inventory.listed("security groups", "ec2", "describe_security_groups", "SecurityGroups", "GroupId")
inventory.listed("subnets", "ec2", "describe_subnets", "Subnets", "SubnetId")


@inventory.kind("VPC endpoints")
def _endpoints(account: str, region: str) -> Iterator[str]:
    """Those that are not deleted: EC2 lists the others for an hour."""
    for page in client("ec2", account, region).get_paginator("describe_vpc_endpoints").paginate():
        yield from (item["VpcEndpointId"] for item in page["VpcEndpoints"] if item.get("State") != "deleted")
