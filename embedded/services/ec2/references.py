"""Whether a subnet or a security group is there, for the checks of the services that run in them."""

from moto.ec2.models import ec2_backends

from embedded.access import references
from embedded.access.references import Missing
from embedded.operations import Call


@references.owner_of("subnet")
def _missing_subnet(call: Call, name: str) -> Missing | None:
    if any(name in zone for zone in list(ec2_backends[call.account][call.region].subnets.values())):
        return None
    message = f"The subnet ID '{name}' does not exist"
    return Missing(operation="DescribeSubnets", code="InvalidSubnetID.NotFound", message=message)


@references.owner_of("security group")
def _missing_group(call: Call, name: str) -> Missing | None:
    if any(name in network for network in list(ec2_backends[call.account][call.region].groups.values())):
        return None
    message = f"The security group '{name}' does not exist"
    return Missing(operation="DescribeSecurityGroups", code="InvalidGroup.NotFound", message=message)
