"""EC2: security groups and their rules."""

from typing import Any

from botocore.exceptions import ClientError

from embedded.cloudformation.context import Context
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.shapes import tag_list
from embedded.services.ec2.tagged import Ec2Resource

_OPEN = {"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}


def permission(rule: Props) -> dict[str, Any]:
    """A template's rule as the API takes it."""
    made: dict[str, Any] = {"IpProtocol": str(rule["IpProtocol"])}
    if made["IpProtocol"] != "-1":
        for name in ("FromPort", "ToPort"):
            if name in rule:
                made[name] = int(rule[name])
    note = {"Description": rule["Description"]} if "Description" in rule else {}
    if "CidrIp" in rule:
        made["IpRanges"] = [{"CidrIp": rule["CidrIp"], **note}]
    if "CidrIpv6" in rule:
        made["Ipv6Ranges"] = [{"CidrIpv6": rule["CidrIpv6"], **note}]
    for name in ("DestinationPrefixListId", "SourcePrefixListId"):
        if name in rule:
            made["PrefixListIds"] = [{"PrefixListId": rule[name], **note}]
    for name in ("SourceSecurityGroupId", "DestinationSecurityGroupId"):
        if name in rule:
            made["UserIdGroupPairs"] = [{"GroupId": rule[name], **note}]
    return made


def has_rule(permissions: list[dict[str, Any]], rule: Props) -> bool:
    """Whether a group's permissions hold a template's rule."""
    wanted = permission(rule)
    for item in permissions:
        if item["IpProtocol"] != wanted["IpProtocol"]:
            continue
        if any(item.get(port) != wanted.get(port) for port in ("FromPort", "ToPort") if port in wanted):
            continue
        if all(_covers(item.get(kind, []), targets) for kind, targets in wanted.items() if isinstance(targets, list)):
            return True
    return False


def _covers(present: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> bool:
    def targets(items: list[dict[str, Any]]) -> set[str]:
        return {
            str(value)
            for item in items
            for key, value in item.items()
            if key in ("CidrIp", "CidrIpv6", "PrefixListId", "GroupId")
        }

    return targets(wanted) <= targets(present)


@provider
class SecurityGroup(Ec2Resource):
    """`AWS::EC2::SecurityGroup`."""

    type = "AWS::EC2::SecurityGroup"
    create_operation = "CreateSecurityGroup"
    single = None
    id_field = "GroupId"
    describe = "describe_security_groups"
    ids = "GroupIds"
    listed = "SecurityGroups"
    delete_method = "delete_security_group"
    delete_parameter = "GroupId"
    resource_type = "security-group"
    omit = ("SecurityGroupIngress", "SecurityGroupEgress", "GroupDescription")

    def create(self, props: Props, ctx: Context) -> Made:
        """Create it; the API calls its description by another name."""
        named = {"GroupName": props.get("GroupName", ctx.name(255)), "Description": props["GroupDescription"]}
        return super().create({**props, **named}, ctx)

    def finish(self, physical_id: str, old: Props, new: Props, ctx: Context) -> None:
        """Set the rules that are written in the group itself."""
        ec2 = ctx.client("ec2")
        # a new group lets everything out until the template says otherwise
        before = old.get("SecurityGroupEgress", [_OPEN])
        after = new.get("SecurityGroupEgress", [_OPEN])
        self._change(ec2.revoke_security_group_egress, ec2.authorize_security_group_egress, physical_id, before, after)
        before, after = old.get("SecurityGroupIngress", []), new.get("SecurityGroupIngress", [])
        self._change(
            ec2.revoke_security_group_ingress, ec2.authorize_security_group_ingress, physical_id, before, after
        )

    @staticmethod
    def _change(revoke: Any, authorize: Any, group: str, before: list[Props], after: list[Props]) -> None:
        gone = [permission(rule) for rule in before if rule not in after]
        new = [permission(rule) for rule in after if rule not in before]
        if gone:
            revoke(GroupId=group, IpPermissions=gone)
        if new:
            authorize(GroupId=group, IpPermissions=new)

    def made(self, physical_id: str, props: Props, ctx: Context) -> Made:
        """Its id and network; Ref gives the name of one that the template puts into no network."""
        found = self.find(physical_id, ctx) or {}
        return Made(
            physical_id=physical_id if "VpcId" in props else str(found.get("GroupName", physical_id)),
            attributes={"GroupId": physical_id, "Id": physical_id, "VpcId": found.get("VpcId")},
        )

    def mark(self, physical_id: str, ctx: Context) -> None:
        """Put the stack's tags on it."""
        super().mark(self._group_id(physical_id, ctx), ctx)

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Set its rules and tags."""
        return super().update(self._group_id(physical_id, ctx), old, new, ctx)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete it."""
        super().delete(self._group_id(physical_id, ctx), props, ctx)

    @staticmethod
    def _group_id(physical_id: str, ctx: Context) -> str:
        if physical_id.startswith("sg-"):
            return physical_id
        named = [{"Name": "group-name", "Values": [physical_id]}]
        groups = ctx.client("ec2").describe_security_groups(Filters=named)["SecurityGroups"]
        return str(groups[0]["GroupId"]) if groups else physical_id

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The group; of its rules those that the template names."""
        found = super().read(self._group_id(physical_id, ctx), props, ctx)
        if found is None:
            return None
        found["GroupDescription"] = found["Description"]
        for name, permissions in (
            ("SecurityGroupIngress", "IpPermissions"),
            ("SecurityGroupEgress", "IpPermissionsEgress"),
        ):
            found[name] = [rule for rule in props.get(name, ()) if has_rule(found[permissions], rule)]
        found["Tags"] = tag_list(found.get("Tags"))
        return found


class _Rule(Provider):
    """A rule that stands on its own."""

    direction: str
    permissions: str

    def create(self, props: Props, ctx: Context) -> Made:
        """Add it to its group."""
        add = getattr(ctx.client("ec2"), f"authorize_security_group_{self.direction}")
        add(GroupId=props["GroupId"], IpPermissions=[permission(props)])
        return Made(physical_id=ctx.name(), attributes={})

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Put the new one in the old one's place."""
        self.delete(physical_id, old, ctx)
        self.create(new, ctx)
        return Made(physical_id=physical_id)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Take it out of its group."""
        remove = getattr(ctx.client("ec2"), f"revoke_security_group_{self.direction}")
        try:
            remove(GroupId=props["GroupId"], IpPermissions=[permission(props)])
        except ClientError as error:
            if ".NotFound" not in error.response["Error"]["Code"]:
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The rule, if its group has it."""
        groups = ctx.client("ec2").describe_security_groups(GroupIds=[props["GroupId"]])["SecurityGroups"]
        return dict(props) if groups and has_rule(groups[0][self.permissions], props) else None


@provider
class SecurityGroupIngress(_Rule):
    """`AWS::EC2::SecurityGroupIngress`."""

    type = "AWS::EC2::SecurityGroupIngress"
    direction = "ingress"
    permissions = "IpPermissions"


@provider
class SecurityGroupEgress(_Rule):
    """`AWS::EC2::SecurityGroupEgress`."""

    type = "AWS::EC2::SecurityGroupEgress"
    direction = "egress"
    permissions = "IpPermissionsEgress"
