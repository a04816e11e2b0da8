"""What a request to EC2 names must be there; moto takes it unseen."""

from moto.ec2.models import ec2_backends

from embedded.access import references
from embedded.operations import Call, Params, ServiceError, check
from embedded.services.ec2.endpoint_zones import check_zones


@check("ec2", "CreateSecurityGroup")
def _security_group(call: Call, params: Params) -> None:
    network = params.get("VpcId")
    if network and network not in ec2_backends[call.account][call.region].vpcs:
        raise ServiceError("InvalidVpcID.NotFound", f"The vpc ID '{network}' does not exist")


@check("ec2", "CreateVpcEndpoint", "ModifyVpcEndpoint")
def _endpoint(call: Call, params: Params) -> None:
    subnets, groups, tables = (
        [*params.get(name, ()), *params.get(f"Add{name}", ())]
        for name in ("SubnetIds", "SecurityGroupIds", "RouteTableIds")
    )
    error = references.first_missing(call, {"subnet": subnets, "security group": groups})
    if error is not None:
        raise ServiceError(error.code, error.message)
    if "ServiceName" in params:
        check_zones(call, params["ServiceName"], subnets)
    known = ec2_backends[call.account][call.region].route_tables
    for table in tables:
        if table not in known:
            raise ServiceError("InvalidRouteTableID.NotFound", f"The routeTable ID '{table}' does not exist")


@check("ec2", "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress")
def _rule(call: Call, params: Params) -> None:
    known = ec2_backends[call.account][call.region].managed_prefix_lists
    for permission in params.get("IpPermissions", ()):
        for item in permission.get("PrefixListIds", ()):
            if item["PrefixListId"] not in known:
                message = f"The prefix list ID '{item['PrefixListId']}' does not exist"
                raise ServiceError("InvalidPrefixListID.NotFound", message)
