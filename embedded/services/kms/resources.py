"""KMS: keys and aliases."""

import json
from typing import Any

from botocore.exceptions import ClientError

from embedded.cloudformation.context import Context
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.declared import is_absent
from embedded.cloudformation.providers.shapes import tag_changes, tag_list, without


def _kms_tags(tags: Any) -> list[dict[str, str]]:
    return [{"TagKey": item["Key"], "TagValue": item["Value"]} for item in tag_list(tags)]


@provider
class Key(Provider):
    """`AWS::KMS::Key`."""

    type = "AWS::KMS::Key"
    identifier = "KeyId"
    unread = frozenset({"PendingWindowInDays", "BypassPolicyLockoutSafetyCheck"})

    def create(self, props: Props, ctx: Context) -> Made:
        """Create the key with its policy, then its rotation."""
        kms = ctx.client("kms")
        options: dict[str, Any] = {
            key: props[key] for key in ("Description", "KeySpec", "KeyUsage", "Origin") if key in props
        }
        if "KeyPolicy" in props:
            options["Policy"] = json.dumps(props["KeyPolicy"])
        if "MultiRegion" in props:
            options["MultiRegion"] = str(props["MultiRegion"]).lower() == "true"
        found = kms.create_key(Tags=_kms_tags(props.get("Tags")), **options)["KeyMetadata"]
        ctx.begin(found["KeyId"])
        self._set(kms, found["KeyId"], {}, props)
        return self._made(found["KeyId"], found["Arn"])

    @staticmethod
    def _made(key_id: str, arn: str) -> Made:
        return Made(physical_id=key_id, attributes={"Arn": arn, "KeyId": key_id})

    @staticmethod
    def _set(kms: Any, key_id: str, old: Props, new: Props) -> None:
        if str(new.get("EnableKeyRotation", "false")).lower() == "true":
            options = (
                {"RotationPeriodInDays": int(new["RotationPeriodInDays"])} if "RotationPeriodInDays" in new else {}
            )
            kms.enable_key_rotation(KeyId=key_id, **options)
        elif str(old.get("EnableKeyRotation", "false")).lower() == "true":
            kms.disable_key_rotation(KeyId=key_id)
        if str(new.get("Enabled", "true")).lower() == "false":
            kms.disable_key(KeyId=key_id)
        elif str(old.get("Enabled", "true")).lower() == "false":
            kms.enable_key(KeyId=key_id)

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Change what may change."""
        kms = ctx.client("kms")
        if old.get("KeyPolicy") != new.get("KeyPolicy") and "KeyPolicy" in new:
            kms.put_key_policy(KeyId=physical_id, PolicyName="default", Policy=json.dumps(new["KeyPolicy"]))
        if old.get("Description") != new.get("Description"):
            kms.update_key_description(KeyId=physical_id, Description=new.get("Description", ""))
        self._set(kms, physical_id, old, new)
        changed, removed = tag_changes(old.get("Tags"), new.get("Tags"))
        if changed:
            kms.tag_resource(KeyId=physical_id, Tags=_kms_tags(changed))
        if removed:
            kms.untag_resource(KeyId=physical_id, TagKeys=removed)
        return self._made(physical_id, kms.describe_key(KeyId=physical_id)["KeyMetadata"]["Arn"])

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Schedule its deletion, as CloudFormation does: a key is never gone at once."""
        try:
            ctx.client("kms").schedule_key_deletion(
                KeyId=physical_id, PendingWindowInDays=int(props.get("PendingWindowInDays", 30))
            )
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The key, its policy and its rotation; one that waits for deletion does not exist any more."""
        kms = ctx.client("kms")
        try:
            found = kms.describe_key(KeyId=physical_id)["KeyMetadata"]
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        if found["KeyState"] == "PendingDeletion":
            return None
        rotation = kms.get_key_rotation_status(KeyId=physical_id)
        return {
            **found,
            "KeyPolicy": json.loads(kms.get_key_policy(KeyId=physical_id, PolicyName="default")["Policy"]),
            "EnableKeyRotation": rotation["KeyRotationEnabled"],
            "RotationPeriodInDays": rotation.get("RotationPeriodInDays"),
            "Tags": tag_list(kms.list_resource_tags(KeyId=physical_id)["Tags"]),
        }


@provider
class Alias(Provider):
    """`AWS::KMS::Alias`."""

    type = "AWS::KMS::Alias"

    def create(self, props: Props, ctx: Context) -> Made:
        """Give the key its name."""
        ctx.client("kms").create_alias(**without(props, "Tags"))
        return Made(physical_id=props["AliasName"])

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Point the name at another key."""
        ctx.client("kms").update_alias(AliasName=physical_id, TargetKeyId=new["TargetKeyId"])
        return Made(physical_id=physical_id)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Take the name away."""
        try:
            ctx.client("kms").delete_alias(AliasName=physical_id)
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The key that the name means."""
        for page in ctx.client("kms").get_paginator("list_aliases").paginate():
            for item in page["Aliases"]:
                if item["AliasName"] == physical_id:
                    wanted = str(props["TargetKeyId"])
                    same = wanted.rsplit("/", 1)[-1] == item.get("TargetKeyId")
                    return {"AliasName": physical_id, "TargetKeyId": wanted if same else item.get("TargetKeyId")}
        return None
