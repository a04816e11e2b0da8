"""EC2: networks, subnets, routes and gateways."""

from typing import Any

from embedded.cloudformation.context import Context
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.shapes import call
from embedded.services.ec2.tagged import Ec2Resource, enabled, quietly


@provider
class Vpc(Ec2Resource):
    """`AWS::EC2::VPC`."""

    type = "AWS::EC2::VPC"
    create_operation = "CreateVpc"
    single = "Vpc"
    id_field = "VpcId"
    describe = "describe_vpcs"
    ids = "VpcIds"
    listed = "Vpcs"
    delete_method = "delete_vpc"
    delete_parameter = "VpcId"
    resource_type = "vpc"
    omit = ("EnableDnsHostnames", "EnableDnsSupport")

    def finish(self, physical_id: str, old: Props, new: Props, ctx: Context) -> None:
        """Switch its name resolution."""
        ec2 = ctx.client("ec2")
        support, names = enabled(new, "EnableDnsSupport", "true"), enabled(new, "EnableDnsHostnames")
        ec2.modify_vpc_attribute(VpcId=physical_id, EnableDnsSupport={"Value": support})
        ec2.modify_vpc_attribute(VpcId=physical_id, EnableDnsHostnames={"Value": names})

    def made(self, physical_id: str, props: Props, ctx: Context) -> Made:
        """Its default group, list and block."""
        ec2 = ctx.client("ec2")
        here: list[dict[str, Any]] = [{"Name": "vpc-id", "Values": [physical_id]}]
        groups = ec2.describe_security_groups(Filters=[*here, {"Name": "group-name", "Values": ["default"]}])
        lists = ec2.describe_network_acls(Filters=[*here, {"Name": "default", "Values": ["true"]}])
        found = self.find(physical_id, ctx) or {}
        return Made(
            physical_id=physical_id,
            attributes={
                "VpcId": physical_id,
                "CidrBlock": found.get("CidrBlock"),
                "DefaultSecurityGroup": groups["SecurityGroups"][0]["GroupId"],
                "DefaultNetworkAcl": lists["NetworkAcls"][0]["NetworkAclId"],
                "CidrBlockAssociations": [item["AssociationId"] for item in found.get("CidrBlockAssociationSet", ())],
            },
        )

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The network with its name resolution."""
        found = super().read(physical_id, props, ctx)
        if found is not None:
            ec2 = ctx.client("ec2")
            for name, attribute in (
                ("EnableDnsSupport", "enableDnsSupport"),
                ("EnableDnsHostnames", "enableDnsHostnames"),
            ):
                found[name] = ec2.describe_vpc_attribute(VpcId=physical_id, Attribute=attribute)[name]["Value"]
        return found


@provider
class Subnet(Ec2Resource):
    """`AWS::EC2::Subnet`."""

    type = "AWS::EC2::Subnet"
    create_operation = "CreateSubnet"
    single = "Subnet"
    id_field = "SubnetId"
    describe = "describe_subnets"
    ids = "SubnetIds"
    listed = "Subnets"
    delete_method = "delete_subnet"
    delete_parameter = "SubnetId"
    resource_type = "subnet"
    omit = ("MapPublicIpOnLaunch",)

    def finish(self, physical_id: str, old: Props, new: Props, ctx: Context) -> None:
        """Say whether what starts in it gets a public address."""
        public = enabled(new, "MapPublicIpOnLaunch")
        ctx.client("ec2").modify_subnet_attribute(SubnetId=physical_id, MapPublicIpOnLaunch={"Value": public})

    def made(self, physical_id: str, props: Props, ctx: Context) -> Made:
        """Its zone, block and network."""
        found = self.find(physical_id, ctx) or {}
        names = ("SubnetId", "VpcId", "AvailabilityZone", "CidrBlock")
        return Made(physical_id=physical_id, attributes={name: found.get(name) for name in names})


@provider
class RouteTable(Ec2Resource):
    """`AWS::EC2::RouteTable`."""

    type = "AWS::EC2::RouteTable"
    create_operation = "CreateRouteTable"
    single = "RouteTable"
    id_field = "RouteTableId"
    describe = "describe_route_tables"
    ids = "RouteTableIds"
    listed = "RouteTables"
    delete_method = "delete_route_table"
    delete_parameter = "RouteTableId"
    resource_type = "route-table"


@provider
class InternetGateway(Ec2Resource):
    """`AWS::EC2::InternetGateway`."""

    type = "AWS::EC2::InternetGateway"
    create_operation = "CreateInternetGateway"
    single = "InternetGateway"
    id_field = "InternetGatewayId"
    describe = "describe_internet_gateways"
    ids = "InternetGatewayIds"
    listed = "InternetGateways"
    delete_method = "delete_internet_gateway"
    delete_parameter = "InternetGatewayId"
    resource_type = "internet-gateway"


@provider
class VpcEndpoint(Ec2Resource):
    """`AWS::EC2::VPCEndpoint`."""

    type = "AWS::EC2::VPCEndpoint"
    create_operation = "CreateVpcEndpoint"
    single = "VpcEndpoint"
    id_field = "VpcEndpointId"
    describe = "describe_vpc_endpoints"
    ids = "VpcEndpointIds"
    listed = "VpcEndpoints"
    delete_method = "delete_vpc_endpoints"
    delete_parameter = "VpcEndpointIds"
    resource_type = "vpc-endpoint"

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Change its policy, and where it is reachable."""
        changes: dict[str, Any] = {"VpcEndpointId": physical_id}
        for name, singular in (
            ("SubnetIds", "Subnet"),
            ("SecurityGroupIds", "SecurityGroup"),
            ("RouteTableIds", "RouteTable"),
        ):
            before, after = set(old.get(name, ())), set(new.get(name, ()))
            changes[f"Add{singular}Ids"] = sorted(after - before)
            changes[f"Remove{singular}Ids"] = sorted(before - after)
        if old.get("PolicyDocument") != new.get("PolicyDocument"):
            changes |= {"PolicyDocument": new["PolicyDocument"]} if "PolicyDocument" in new else {"ResetPolicy": True}
        call(ctx.client("ec2"), "ModifyVpcEndpoint", {key: value for key, value in changes.items() if value})
        self.retag(physical_id, old, new, ctx)
        return self.made(physical_id, new, ctx)

    def made(self, physical_id: str, props: Props, ctx: Context) -> Made:
        """Its names and interfaces."""
        found = self.find(physical_id, ctx) or {}
        entries = [f"{item.get('HostedZoneId', '')}:{item['DnsName']}" for item in found.get("DnsEntries", ())]
        attributes = {
            "Id": physical_id,
            "DnsEntries": entries,
            "NetworkInterfaceIds": found.get("NetworkInterfaceIds", []),
            "CreationTimestamp": str(found.get("CreationTimestamp", "")),
        }
        return Made(physical_id=physical_id, attributes=attributes)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete it."""
        quietly(ctx.client("ec2").delete_vpc_endpoints, VpcEndpointIds=[physical_id])

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The endpoint; one that is being deleted does not exist any more."""
        found = super().read(physical_id, props, ctx)
        if found is None or found.get("State") == "deleted":
            return None
        found["SecurityGroupIds"] = [item["GroupId"] for item in found.get("Groups", ())]
        return found


@provider
class FlowLog(Ec2Resource):
    """`AWS::EC2::FlowLog`."""

    type = "AWS::EC2::FlowLog"
    describe = "describe_flow_logs"
    ids = "FlowLogIds"
    listed = "FlowLogs"
    id_field = "FlowLogId"

    def create(self, props: Props, ctx: Context) -> Made:
        """Create it; a refusal comes as a part of a good answer."""
        from embedded.cloudformation.errors import ResourceError
        from embedded.cloudformation.providers.shapes import tag_list, without

        params = {**without(props, "ResourceId", "Tags"), "ResourceIds": [props["ResourceId"]]}
        if props.get("Tags"):
            params["TagSpecifications"] = [{"ResourceType": "vpc-flow-log", "Tags": tag_list(props["Tags"])}]
        answer = call(ctx.client("ec2"), "CreateFlowLogs", params)
        if answer.get("Unsuccessful"):
            raise ResourceError(answer["Unsuccessful"][0]["Error"]["Message"])
        return Made(physical_id=answer["FlowLogIds"][0], attributes={"Id": answer["FlowLogIds"][0]})

    def made(self, physical_id: str, props: Props, ctx: Context) -> Made:
        """Its id."""
        return Made(physical_id=physical_id, attributes={"Id": physical_id})

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete it."""
        quietly(ctx.client("ec2").delete_flow_logs, FlowLogIds=[physical_id])

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The flow log; the kind of what it watches is in that thing's id."""
        found = super().read(physical_id, props, ctx)
        if found is not None:
            kinds = {"vpc": "VPC", "subnet": "Subnet", "eni": "NetworkInterface"}
            found["ResourceType"] = kinds.get(found["ResourceId"].split("-")[0])
        return found


class _Link(Provider):
    """Two things joined: there is nothing to read but that they are."""


@provider
class SubnetRouteTableAssociation(_Link):
    """`AWS::EC2::SubnetRouteTableAssociation`."""

    type = "AWS::EC2::SubnetRouteTableAssociation"

    def create(self, props: Props, ctx: Context) -> Made:
        """Give the subnet its routes; one that has some already, as in a replacement, gets these in their place."""
        ec2, subnet = ctx.client("ec2"), props["SubnetId"]
        tables = ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])
        for association in (one for table in tables["RouteTables"] for one in table["Associations"]):
            if association.get("SubnetId") == subnet:
                return self.update(association["RouteTableAssociationId"], props, props, ctx)
        answer = ec2.associate_route_table(RouteTableId=props["RouteTableId"], SubnetId=subnet)
        return Made(physical_id=answer["AssociationId"], attributes={"Id": answer["AssociationId"]})

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Give the subnet other routes."""
        answer = ctx.client("ec2").replace_route_table_association(
            AssociationId=physical_id, RouteTableId=new["RouteTableId"]
        )
        return Made(physical_id=answer["NewAssociationId"], attributes={"Id": answer["NewAssociationId"]})

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Give the subnet the main routes back."""
        quietly(ctx.client("ec2").disassociate_route_table, AssociationId=physical_id)

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The routes that the subnet has."""
        answer = ctx.client("ec2").describe_route_tables(
            Filters=[{"Name": "association.subnet-id", "Values": [props["SubnetId"]]}]
        )
        if not answer["RouteTables"]:
            return None
        return {"SubnetId": props["SubnetId"], "RouteTableId": answer["RouteTables"][0]["RouteTableId"]}


@provider
class Route(_Link):
    """`AWS::EC2::Route`."""

    type = "AWS::EC2::Route"

    def create(self, props: Props, ctx: Context) -> Made:
        """Add it to its table."""
        call(ctx.client("ec2"), "CreateRoute", props)
        destination = props.get("DestinationCidrBlock", props.get("DestinationIpv6CidrBlock"))
        return Made(physical_id=f"{props['RouteTableId']}|{destination}", attributes={"CidrBlock": destination})

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Send it another way."""
        call(ctx.client("ec2"), "ReplaceRoute", new)
        return Made(physical_id=physical_id, attributes={"CidrBlock": new.get("DestinationCidrBlock")})

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Take it out of its table."""
        where = {key: props[key] for key in ("DestinationCidrBlock", "DestinationIpv6CidrBlock") if key in props}
        quietly(ctx.client("ec2").delete_route, RouteTableId=props["RouteTableId"], **where)

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The route as its table has it."""
        tables = ctx.client("ec2").describe_route_tables(RouteTableIds=[props["RouteTableId"]])["RouteTables"]
        for route in tables[0]["Routes"] if tables else ():
            if route.get("DestinationCidrBlock") == props.get("DestinationCidrBlock"):
                return {"RouteTableId": props["RouteTableId"], **route}
        return None


@provider
class VpcGatewayAttachment(_Link):
    """`AWS::EC2::VPCGatewayAttachment`."""

    type = "AWS::EC2::VPCGatewayAttachment"

    def create(self, props: Props, ctx: Context) -> Made:
        """Attach the gateway."""
        ctx.client("ec2").attach_internet_gateway(InternetGatewayId=props["InternetGatewayId"], VpcId=props["VpcId"])
        return Made(physical_id=f"IGW|{props['VpcId']}", attributes={"AttachmentType": "IGW"})

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Detach it."""
        quietly(
            ctx.client("ec2").detach_internet_gateway,
            InternetGatewayId=props["InternetGatewayId"],
            VpcId=props["VpcId"],
        )

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """What the gateway is attached to."""
        answer = ctx.client("ec2").describe_internet_gateways(InternetGatewayIds=[props["InternetGatewayId"]])
        attachments = answer["InternetGateways"][0]["Attachments"]
        return {**props, "VpcId": attachments[0]["VpcId"]} if attachments else None
