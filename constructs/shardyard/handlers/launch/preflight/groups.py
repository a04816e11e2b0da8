"""Whether the security groups of training instances let their members talk to each other, as EFA requires."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from shardyard.handlers import aws
from shardyard.spec.catalogue.instances import INSTANCES


def group_allows_itself(groups: Sequence[str], types: Iterable[str], clients: aws.Clients) -> bool | None:
    """Whether one group allows itself in both directions; None if no type needs it, or access is denied."""
    if not groups or not any(kind in INSTANCES and INSTANCES[kind].efa_interfaces for kind in types):
        return None
    try:
        answer = clients("ec2").describe_security_groups(GroupIds=list(groups))
    except ClientError as error:
        if aws.error_code(error) not in ("UnauthorizedOperation", "AccessDenied", "InvalidGroup.NotFound"):
            raise
        return None
    return any(_both_ways(group) for group in answer["SecurityGroups"])


def _both_ways(group: Mapping[str, Any]) -> bool:
    return all(
        any(
            rule["IpProtocol"] == "-1"
            and any(pair.get("GroupId") == group["GroupId"] for pair in rule["UserIdGroupPairs"])
            for rule in group[direction]
        )
        for direction in ("IpPermissions", "IpPermissionsEgress")
    )
