"""IAM: roles, inline policies and managed policies."""

import json
from typing import Any

from botocore.exceptions import ClientError

from embedded.cloudformation.context import Context
from embedded.cloudformation.errors import NotEmulated, ResourceError
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.declared import is_absent
from embedded.cloudformation.providers.shapes import tag_changes, tag_list


def _quietly(work: Any, **params: Any) -> None:
    """Take away what may be gone already."""
    try:
        work(**params)
    except ClientError as error:
        if not is_absent(error):
            raise


@provider
class Role(Provider):
    """`AWS::IAM::Role`."""

    type = "AWS::IAM::Role"

    def create(self, props: Props, ctx: Context) -> Made:
        """Create the role, then its policies."""
        iam = ctx.client("iam")
        name = str(props.get("RoleName", ctx.name(64)))
        options: dict[str, Any] = {key: props[key] for key in ("Path", "PermissionsBoundary") if key in props}
        if "MaxSessionDuration" in props:
            options["MaxSessionDuration"] = int(props["MaxSessionDuration"])
        iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(props["AssumeRolePolicyDocument"]),
            Description=props.get("Description", ""),
            Tags=tag_list(props.get("Tags")),
            **options,
        )
        ctx.begin(name)
        self._set_policies(iam, name, {}, props)
        return self._made(iam, name)

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Change the trust, the policies, the boundary and the tags."""
        iam = ctx.client("iam")
        trust = json.dumps(new["AssumeRolePolicyDocument"])
        iam.update_assume_role_policy(RoleName=physical_id, PolicyDocument=trust)
        if old.get("Description") != new.get("Description") or old.get("MaxSessionDuration") != new.get(
            "MaxSessionDuration"
        ):
            duration = int(new.get("MaxSessionDuration", 3600))
            iam.update_role(RoleName=physical_id, Description=new.get("Description", ""), MaxSessionDuration=duration)
        if old.get("PermissionsBoundary") != new.get("PermissionsBoundary"):
            if "PermissionsBoundary" in new:
                iam.put_role_permissions_boundary(RoleName=physical_id, PermissionsBoundary=new["PermissionsBoundary"])
            else:
                iam.delete_role_permissions_boundary(RoleName=physical_id)
        changed, removed = tag_changes(old.get("Tags"), new.get("Tags"))
        if changed:
            iam.tag_role(RoleName=physical_id, Tags=tag_list(changed))
        if removed:
            iam.untag_role(RoleName=physical_id, TagKeys=removed)
        self._set_policies(iam, physical_id, old, new)
        return self._made(iam, physical_id)

    @staticmethod
    def _set_policies(iam: Any, name: str, old: Props, new: Props) -> None:
        inline = {item["PolicyName"]: item["PolicyDocument"] for item in new.get("Policies", ())}
        for item in old.get("Policies", ()):
            if item["PolicyName"] not in inline:
                _quietly(iam.delete_role_policy, RoleName=name, PolicyName=item["PolicyName"])
        for policy_name, document in inline.items():
            iam.put_role_policy(RoleName=name, PolicyName=policy_name, PolicyDocument=json.dumps(document))
        managed = new.get("ManagedPolicyArns", [])
        for arn in old.get("ManagedPolicyArns", ()):
            if arn not in managed:
                _quietly(iam.detach_role_policy, RoleName=name, PolicyArn=arn)
        for arn in managed:
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)

    @staticmethod
    def _made(iam: Any, name: str) -> Made:
        role = iam.get_role(RoleName=name)["Role"]
        return Made(physical_id=name, attributes={"Arn": role["Arn"], "RoleId": role["RoleId"]})

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Take the role's own policies off, then delete it."""
        iam = ctx.client("iam")
        for item in props.get("Policies", ()):
            _quietly(iam.delete_role_policy, RoleName=physical_id, PolicyName=item["PolicyName"])
        for arn in props.get("ManagedPolicyArns", ()):
            _quietly(iam.detach_role_policy, RoleName=physical_id, PolicyArn=arn)
        _quietly(iam.delete_role, RoleName=physical_id)

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The role with the policies that the template gives it."""
        iam = ctx.client("iam")
        try:
            role = iam.get_role(RoleName=physical_id)["Role"]
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        attached = iam.list_attached_role_policies(RoleName=physical_id)["AttachedPolicies"]
        found: Props = {
            **role,
            "ManagedPolicyArns": sorted(
                (item["PolicyArn"] for item in attached if item["PolicyArn"] in props.get("ManagedPolicyArns", ())),
                key=props.get("ManagedPolicyArns", []).index,
            ),
            "Policies": [_read_inline(iam, physical_id, item["PolicyName"]) for item in props.get("Policies", ())],
            "Tags": tag_list(iam.list_role_tags(RoleName=physical_id)["Tags"]),
        }
        if "PermissionsBoundary" in role:
            found["PermissionsBoundary"] = role["PermissionsBoundary"]["PermissionsBoundaryArn"]
        return found


def _read_inline(iam: Any, role: str, policy: str) -> Props | None:
    try:
        answer = iam.get_role_policy(RoleName=role, PolicyName=policy)
    except ClientError as error:
        if is_absent(error):
            return None
        raise
    return {"PolicyName": policy, "PolicyDocument": answer["PolicyDocument"]}


@provider
class Policy(Provider):
    """`AWS::IAM::Policy`: an inline policy, on each of its roles."""

    type = "AWS::IAM::Policy"

    def create(self, props: Props, ctx: Context) -> Made:
        """Put it on its roles."""
        self._check(props)
        physical_id = ctx.begin(f"{ctx.stack_name[:5]}-{ctx.logical_id[:4]}-{ctx.name(100).rpartition('-')[2]}")
        self._require_role(props)
        self._put(props, ctx)
        return Made(physical_id=physical_id)

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Put the new one, and take the old one off the roles that no longer have it."""
        self._check(new)
        self._require_role(new)
        self._put(new, ctx)
        same_name = old["PolicyName"] == new["PolicyName"]
        gone = [role for role in old.get("Roles", ()) if not (same_name and role in new.get("Roles", ()))]
        self._remove(old["PolicyName"], gone, ctx)
        return Made(physical_id=physical_id)

    @staticmethod
    def _require_role(props: Props) -> None:
        """IAM has no inline policy of nobody; CloudFormation can then neither make one nor delete it."""
        if not props.get("Roles"):
            raise ResourceError("At least one of [Groups,Roles,Users] must be non-empty.")

    @staticmethod
    def _check(props: Props) -> None:
        if props.get("Users") or props.get("Groups"):
            raise NotEmulated("the embedded cloud attaches AWS::IAM::Policy to roles only, not to users or groups")

    @staticmethod
    def _put(props: Props, ctx: Context) -> None:
        for role in props.get("Roles", ()):
            ctx.client("iam").put_role_policy(
                RoleName=role, PolicyName=props["PolicyName"], PolicyDocument=json.dumps(props["PolicyDocument"])
            )

    @staticmethod
    def _remove(name: str, roles: list[str], ctx: Context) -> None:
        for role in roles:
            _quietly(ctx.client("iam").delete_role_policy, RoleName=role, PolicyName=name)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Take it off its roles."""
        self._require_role(props)
        self._remove(props["PolicyName"], props.get("Roles", []), ctx)

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The policy as each of its roles has it."""
        found = [_read_inline(ctx.client("iam"), role, props["PolicyName"]) for role in props.get("Roles", ())]
        if None in found:
            return None
        different = [item for item in found if item != found[0]]
        document = None if different else found[0]["PolicyDocument"] if found and found[0] else props["PolicyDocument"]
        return {"PolicyName": props["PolicyName"], "PolicyDocument": document, "Roles": props.get("Roles", [])}


@provider
class ManagedPolicy(Provider):
    """`AWS::IAM::ManagedPolicy`."""

    type = "AWS::IAM::ManagedPolicy"

    def create(self, props: Props, ctx: Context) -> Made:
        """Create it and attach it."""
        iam = ctx.client("iam")
        name = str(props.get("ManagedPolicyName", ctx.name(128)))
        options = {key: props[key] for key in ("Path", "Description") if key in props}
        arn = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(props["PolicyDocument"]), **options)[
            "Policy"
        ]["Arn"]
        ctx.begin(arn)
        for role in props.get("Roles", ()):
            iam.attach_role_policy(RoleName=role, PolicyArn=arn)
        return Made(physical_id=arn, attributes={"PolicyArn": arn})

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Make a new default version of the document, and attach and detach."""
        iam = ctx.client("iam")
        if old["PolicyDocument"] != new["PolicyDocument"]:
            for version in iam.list_policy_versions(PolicyArn=physical_id)["Versions"]:
                if not version["IsDefaultVersion"]:
                    iam.delete_policy_version(PolicyArn=physical_id, VersionId=version["VersionId"])
            document = json.dumps(new["PolicyDocument"])
            iam.create_policy_version(PolicyArn=physical_id, PolicyDocument=document, SetAsDefault=True)
        before, after = set(old.get("Roles", ())), set(new.get("Roles", ()))
        for role in sorted(after - before):
            iam.attach_role_policy(RoleName=role, PolicyArn=physical_id)
        for role in sorted(before - after):
            _quietly(iam.detach_role_policy, RoleName=role, PolicyArn=physical_id)
        return Made(physical_id=physical_id, attributes={"PolicyArn": physical_id})

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Detach it everywhere and delete it with its versions."""
        iam = ctx.client("iam")
        try:
            roles = iam.list_entities_for_policy(PolicyArn=physical_id)["PolicyRoles"]
        except ClientError as error:
            if is_absent(error):
                return
            raise
        for role in roles:
            _quietly(iam.detach_role_policy, RoleName=role["RoleName"], PolicyArn=physical_id)
        for version in iam.list_policy_versions(PolicyArn=physical_id)["Versions"]:
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=physical_id, VersionId=version["VersionId"])
        _quietly(iam.delete_policy, PolicyArn=physical_id)

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The policy's default version."""
        iam = ctx.client("iam")
        try:
            policy = iam.get_policy(PolicyArn=physical_id)["Policy"]
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        version = iam.get_policy_version(PolicyArn=physical_id, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
        roles = [item["RoleName"] for item in iam.list_entities_for_policy(PolicyArn=physical_id)["PolicyRoles"]]
        return {
            "ManagedPolicyName": policy["PolicyName"],
            "Path": policy["Path"],
            "Description": policy.get("Description", ""),
            "PolicyDocument": version["Document"],
            "Roles": sorted(role for role in roles if role in props.get("Roles", ())),
        }
