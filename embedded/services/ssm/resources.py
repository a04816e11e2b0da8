"""The Systems Manager: parameters."""

import json

from botocore.exceptions import ClientError

from embedded.cloudformation.context import Context
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.declared import is_absent
from embedded.cloudformation.providers.shapes import call, tag_changes, tag_list, without


@provider
class Parameter(Provider):
    """`AWS::SSM::Parameter`."""

    type = "AWS::SSM::Parameter"
    unread = frozenset({"Tier", "Description", "AllowedPattern"})

    def create(self, props: Props, ctx: Context) -> Made:
        """Put it."""
        # as CloudFormation names it: a stack may be called aws-something, a parameter may not
        made = f"CFN-{ctx.logical_id}-{ctx.name(100).rpartition('-')[2]}"
        name = str(props.get("Name", made))
        options = {"Name": name, "Tags": tag_list(props.get("Tags")), **without(props, "Name", "Tags")}
        call(ctx.client("ssm"), "PutParameter", options)
        return self._made(name, props)

    @staticmethod
    def _made(name: str, props: Props) -> Made:
        value = props["Value"]
        text = json.dumps(value) if isinstance(value, dict | list) else str(value)
        return Made(physical_id=name, attributes={"Type": props["Type"], "Value": text})

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Put it again, over the old value."""
        ssm = ctx.client("ssm")
        call(ssm, "PutParameter", {"Name": physical_id, "Overwrite": True, **without(new, "Name", "Tags")})
        changed, removed = tag_changes(old.get("Tags"), new.get("Tags"))
        if changed:
            ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId=physical_id, Tags=tag_list(changed))
        if removed:
            ssm.remove_tags_from_resource(ResourceType="Parameter", ResourceId=physical_id, TagKeys=removed)
        return self._made(physical_id, new)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete it."""
        try:
            ctx.client("ssm").delete_parameter(Name=physical_id)
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """Its value."""
        ssm = ctx.client("ssm")
        try:
            found: Props = ssm.get_parameter(Name=physical_id)["Parameter"]
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=physical_id)["TagList"]
        return {**found, "Tags": _as_given(props.get("Tags"), tags)}


def _as_given(wanted: object, tags: list[dict[str, str]]) -> object:
    """Tags of a parameter are a map in templates."""
    return {item["Key"]: item["Value"] for item in tags} if isinstance(wanted, dict) else tag_list(tags)
