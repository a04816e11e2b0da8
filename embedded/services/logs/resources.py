"""CloudWatch Logs: log groups, and the policies that let services write."""

import json
from typing import Any

from botocore.exceptions import ClientError

from embedded.cloudformation.context import Context
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.declared import is_absent
from embedded.cloudformation.providers.shapes import tag_changes, tag_list


@provider
class LogGroup(Provider):
    """`AWS::Logs::LogGroup`."""

    type = "AWS::Logs::LogGroup"
    unread = frozenset({"LogGroupClass"})

    def create(self, props: Props, ctx: Context) -> Made:
        """Create it, with its retention."""
        logs = ctx.client("logs")
        name = str(props.get("LogGroupName", ctx.name(256)))
        options: dict[str, Any] = {}
        if "KmsKeyId" in props:
            options["kmsKeyId"] = props["KmsKeyId"]
        if "LogGroupClass" in props:
            options["logGroupClass"] = props["LogGroupClass"]
        if props.get("Tags"):
            options["tags"] = {item["Key"]: item["Value"] for item in tag_list(props["Tags"])}
        logs.create_log_group(logGroupName=name, **options)
        ctx.begin(name)
        self._set_retention(logs, name, {}, props)
        return self._made(name, ctx)

    @staticmethod
    def _made(name: str, ctx: Context) -> Made:
        return Made(physical_id=name, attributes={"Arn": ctx.arn("logs", f"log-group:{name}:*")})

    @staticmethod
    def _set_retention(logs: Any, name: str, old: Props, new: Props) -> None:
        if "RetentionInDays" in new:
            logs.put_retention_policy(logGroupName=name, retentionInDays=int(new["RetentionInDays"]))
        elif "RetentionInDays" in old:
            logs.delete_retention_policy(logGroupName=name)

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Change retention, key and tags."""
        logs = ctx.client("logs")
        self._set_retention(logs, physical_id, old, new)
        if old.get("KmsKeyId") != new.get("KmsKeyId"):
            if "KmsKeyId" in new:
                logs.associate_kms_key(logGroupName=physical_id, kmsKeyId=new["KmsKeyId"])
            else:
                logs.disassociate_kms_key(logGroupName=physical_id)
        changed, removed = tag_changes(old.get("Tags"), new.get("Tags"))
        arn = ctx.arn("logs", f"log-group:{physical_id}")
        if changed:
            logs.tag_resource(resourceArn=arn, tags=changed)
        if removed:
            logs.untag_resource(resourceArn=arn, tagKeys=removed)
        return self._made(physical_id, ctx)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete it with what is in it."""
        try:
            ctx.client("logs").delete_log_group(logGroupName=physical_id)
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The group as the service lists it."""
        logs = ctx.client("logs")
        groups = logs.describe_log_groups(logGroupNamePrefix=physical_id)["logGroups"]
        found = next((group for group in groups if group["logGroupName"] == physical_id), None)
        if found is None:
            return None
        tags = logs.list_tags_for_resource(resourceArn=ctx.arn("logs", f"log-group:{physical_id}"))["tags"]
        return {
            "LogGroupName": physical_id,
            "RetentionInDays": found.get("retentionInDays"),
            "KmsKeyId": found.get("kmsKeyId"),
            "Tags": tag_list(tags),
        }


@provider
class ResourcePolicy(Provider):
    """`AWS::Logs::ResourcePolicy`."""

    type = "AWS::Logs::ResourcePolicy"

    def create(self, props: Props, ctx: Context) -> Made:
        """Put it."""
        document = props["PolicyDocument"]
        text = document if isinstance(document, str) else json.dumps(document)
        ctx.client("logs").put_resource_policy(policyName=props["PolicyName"], policyDocument=text)
        return Made(physical_id=props["PolicyName"])

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Put it again."""
        return self.create(new, ctx)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete it."""
        try:
            ctx.client("logs").delete_resource_policy(policyName=physical_id)
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The policy as the service lists it."""
        for item in ctx.client("logs").describe_resource_policies()["resourcePolicies"]:
            if item["policyName"] == physical_id:
                return {"PolicyName": physical_id, "PolicyDocument": json.loads(item["policyDocument"])}
        return None
