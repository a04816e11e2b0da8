"""Takes all rules out of the security group that a VPC is born with: whoever forgets to name a group gets none."""

from typing import Any

import boto3

from shardyard.handlers.cfn_response import Answer, Request, custom_resource


@custom_resource
def handler(request: Request) -> Answer:
    """Close the group on Create and Update; on Delete the VPC takes it along."""
    group_id = request.properties["GroupId"]
    if request.kind != "Delete":
        close(boto3.client("ec2"), group_id)
    return Answer(physical_id=group_id)


def close(ec2: Any, group_id: str) -> None:
    """Revoke every rule that stands in the group."""
    group = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"][0]
    if group["IpPermissions"]:
        ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=group["IpPermissions"])
    if group["IpPermissionsEgress"]:
        ec2.revoke_security_group_egress(GroupId=group_id, IpPermissions=group["IpPermissionsEgress"])
    print(f"{group_id}: no rules")
