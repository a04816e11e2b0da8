"""Removes all rules from a VPC's default security group, so that forgetting to name a group gives no access."""

from typing import Any

import boto3

from shardyard.handlers.cfn_response import Answer, Request, custom_resource


@custom_resource
def handler(request: Request) -> Answer:
    """Close the group on Create and Update; on Delete it goes with the VPC."""
    group_id = request.properties["GroupId"]
    if request.kind != "Delete":
        close(boto3.client("ec2"), group_id)
    return Answer(physical_id=group_id)


def close(ec2: Any, group_id: str) -> None:
    """Revoke every rule of the group."""
    group = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"][0]
    if group["IpPermissions"]:
        ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=group["IpPermissions"])
    if group["IpPermissionsEgress"]:
        ec2.revoke_security_group_egress(GroupId=group_id, IpPermissions=group["IpPermissionsEgress"])
    print(f"{group_id}: no rules")
