"""S3: buckets with everything that templates set on them, and their policies."""

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from embedded.cloudformation.context import Context
from embedded.cloudformation.errors import NotEmulated
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.declared import is_absent
from embedded.cloudformation.providers.shapes import tag_list
from embedded.services.s3.lifecycle_rules import lifecycle_to_api, notification_to_api

_NO_SUCH = frozenset(
    {
        "NoSuchLifecycleConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
        "NoSuchTagSet",
        "OwnershipControlsNotFoundError",
        "ServerSideEncryptionConfigurationNotFoundError",
        "NoSuchCORSConfiguration",
    }
)


def _booleans(value: dict[str, Any]) -> dict[str, bool]:
    return {key: str(item).lower() == "true" for key, item in value.items()}


@provider
class Bucket(Provider):
    """`AWS::S3::Bucket`."""

    type = "AWS::S3::Bucket"
    identifier = "BucketName"
    unread = frozenset({"AccessControl"})

    def create(self, props: Props, ctx: Context) -> Made:
        """Create the bucket, then set what it is to have."""
        self._check(props)
        name = str(props.get("BucketName", ctx.name(63, lower=True)))
        s3 = ctx.client("s3")
        options: dict[str, Any] = {}
        if ctx.region != "us-east-1":
            options["CreateBucketConfiguration"] = {"LocationConstraint": ctx.region}
        rules = props.get("OwnershipControls", {}).get("Rules", [])
        if rules:
            options["ObjectOwnership"] = rules[0]["ObjectOwnership"]
        s3.create_bucket(Bucket=name, **options)
        ctx.begin(name)
        self._set(s3, name, {}, props)
        return self._made(name, ctx)

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Set what changed, and take away what is gone."""
        self._check(new)
        self._set(ctx.client("s3"), physical_id, old, new)
        return self._made(physical_id, ctx)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete it: S3 refuses while anything lies in it."""
        try:
            ctx.client("s3").delete_bucket(Bucket=physical_id)
        except ClientError as error:
            if not is_absent(error):
                raise

    @staticmethod
    def _check(props: Props) -> None:
        unknown = sorted(set(props) - set(_SETTERS) - {"BucketName"})
        if unknown:
            raise NotEmulated(f"the embedded cloud does not emulate {', '.join(unknown)} of AWS::S3::Bucket")

    @staticmethod
    def _made(name: str, ctx: Context) -> Made:
        suffix = "amazonaws.com"
        return Made(
            physical_id=name,
            attributes={
                "Arn": f"arn:{ctx.partition}:s3:::{name}",
                "DomainName": f"{name}.s3.{suffix}",
                "RegionalDomainName": f"{name}.s3.{ctx.region}.{suffix}",
                "DualStackDomainName": f"{name}.s3.dualstack.{ctx.region}.{suffix}",
                "WebsiteURL": f"http://{name}.s3-website-{ctx.region}.{suffix}",
            },
        )

    @staticmethod
    def _set(s3: Any, name: str, old: Props, new: Props) -> None:
        for prop, setter in _SETTERS.items():
            if old.get(prop) != new.get(prop):
                setter(s3, name, new.get(prop))

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """Everything that the template sets, as S3 answers it."""
        s3 = ctx.client("s3")
        try:
            s3.head_bucket(Bucket=physical_id)
        except ClientError:
            return None
        found: Props = {"BucketName": physical_id}
        readers = {
            "VersioningConfiguration": lambda: {"Status": s3.get_bucket_versioning(Bucket=physical_id).get("Status")},
            "BucketEncryption": lambda: _read_encryption(s3, physical_id),
            "PublicAccessBlockConfiguration": lambda: s3.get_public_access_block(Bucket=physical_id)[
                "PublicAccessBlockConfiguration"
            ],
            "OwnershipControls": lambda: s3.get_bucket_ownership_controls(Bucket=physical_id)["OwnershipControls"],
            "LoggingConfiguration": lambda: _read_logging(s3, physical_id),
            "Tags": lambda: tag_list(s3.get_bucket_tagging(Bucket=physical_id)["TagSet"]),
            "CorsConfiguration": lambda: props["CorsConfiguration"] if _read_cors(s3, physical_id) else None,
        }
        for name, reader in readers.items():
            if name in props:
                found[name] = _or_none(reader)
        # rules are spelled differently in templates: both sides are compared as the API spells them
        if "LifecycleConfiguration" in props:
            answered = _or_none(lambda: s3.get_bucket_lifecycle_configuration(Bucket=physical_id)["Rules"])
            wanted = lifecycle_to_api(props["LifecycleConfiguration"])
            found["LifecycleConfiguration"] = props["LifecycleConfiguration"] if answered == wanted else answered
        if "NotificationConfiguration" in props:
            found["NotificationConfiguration"] = _read_notification(s3, physical_id, props)
        return found


def _or_none(reader: Any) -> Any:
    try:
        return reader()
    except ClientError as error:
        if error.response["Error"]["Code"] in _NO_SUCH:
            return None
        raise


def _set_versioning(s3: Any, name: str, wanted: Props | None) -> None:
    status = "Suspended" if wanted is None else wanted["Status"]
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": status})


def _set_public_access(s3: Any, name: str, wanted: Props | None) -> None:
    if wanted is None:
        s3.delete_public_access_block(Bucket=name)
    else:
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=_booleans(wanted))


def _set_lifecycle(s3: Any, name: str, wanted: Props | None) -> None:
    rules = lifecycle_to_api(wanted)
    if rules:
        s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
    else:
        s3.delete_bucket_lifecycle(Bucket=name)


def _set_ownership(s3: Any, name: str, wanted: Props | None) -> None:
    if wanted is None:
        s3.delete_bucket_ownership_controls(Bucket=name)
    else:
        s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=wanted)


def _set_acl(s3: Any, name: str, wanted: str | None) -> None:
    if wanted == "LogDeliveryWrite":
        s3.put_bucket_acl(Bucket=name, ACL="log-delivery-write")


def _set_notification(s3: Any, name: str, wanted: Props | None) -> None:
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=notification_to_api(wanted))


def _set_tags(s3: Any, name: str, wanted: Any) -> None:
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tag_list(wanted)})


def _set_encryption(s3: Any, name: str, wanted: Props | None) -> None:
    if wanted is None:
        s3.delete_bucket_encryption(Bucket=name)
        return
    rules = []
    for rule in wanted["ServerSideEncryptionConfiguration"]:
        made: dict[str, Any] = {"ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]}
        if "BucketKeyEnabled" in rule:
            made["BucketKeyEnabled"] = str(rule["BucketKeyEnabled"]).lower() == "true"
        rules.append(made)
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})


def _read_encryption(s3: Any, name: str) -> Props:
    rules = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    renamed = {"ApplyServerSideEncryptionByDefault": "ServerSideEncryptionByDefault"}
    return {
        "ServerSideEncryptionConfiguration": [
            {renamed.get(key, key): value for key, value in rule.items()} for rule in rules
        ]
    }


def _set_logging(s3: Any, name: str, wanted: Props | None) -> None:
    if wanted is None:
        s3.put_bucket_logging(Bucket=name, BucketLoggingStatus={})
        return
    enabled: dict[str, Any] = {
        # a bucket without a destination logs into itself
        "TargetBucket": wanted.get("DestinationBucketName", name),
        "TargetPrefix": wanted.get("LogFilePrefix", ""),
    }
    if "TargetObjectKeyFormat" in wanted:
        enabled["TargetObjectKeyFormat"] = wanted["TargetObjectKeyFormat"]
    s3.put_bucket_logging(Bucket=name, BucketLoggingStatus={"LoggingEnabled": enabled})


def _read_logging(s3: Any, name: str) -> Props | None:
    enabled = s3.get_bucket_logging(Bucket=name).get("LoggingEnabled")
    if enabled is None:
        return None
    return {"DestinationBucketName": enabled["TargetBucket"], "LogFilePrefix": enabled["TargetPrefix"]}


def _set_cors(s3: Any, name: str, wanted: Props | None) -> None:
    if wanted is None:
        s3.delete_bucket_cors(Bucket=name)
        return
    renamed = {"Id": "ID", "ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds"}
    rules = [{renamed.get(key, key): value for key, value in rule.items()} for rule in wanted["CorsRules"]]
    s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": rules})


def _read_cors(s3: Any, name: str) -> Any:
    return s3.get_bucket_cors(Bucket=name)["CORSRules"]


def _read_notification(s3: Any, name: str, props: Props) -> Any:
    answered = s3.get_bucket_notification_configuration(Bucket=name)
    answered.pop("ResponseMetadata", None)
    wanted = notification_to_api(props["NotificationConfiguration"])
    same = set(answered) == set(wanted)
    return props["NotificationConfiguration"] if same else answered


_SETTERS: dict[str, Callable[[Any, str, Any], None]] = {
    "VersioningConfiguration": _set_versioning,
    "BucketEncryption": _set_encryption,
    "PublicAccessBlockConfiguration": _set_public_access,
    "LifecycleConfiguration": _set_lifecycle,
    "OwnershipControls": _set_ownership,
    "CorsConfiguration": _set_cors,
    "AccessControl": _set_acl,
    "LoggingConfiguration": _set_logging,
    "NotificationConfiguration": _set_notification,
    "Tags": _set_tags,
}
"""One function a property, in the order in which a bucket is set up."""


@provider
class BucketPolicy(Provider):
    """`AWS::S3::BucketPolicy`."""

    type = "AWS::S3::BucketPolicy"

    def create(self, props: Props, ctx: Context) -> Made:
        """Put the policy on its bucket."""
        self._put(props, ctx)
        return Made(physical_id=props["Bucket"])

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Put the new policy."""
        self._put(new, ctx)
        return Made(physical_id=physical_id)

    @staticmethod
    def _put(props: Props, ctx: Context) -> None:
        ctx.client("s3").put_bucket_policy(Bucket=props["Bucket"], Policy=json.dumps(props["PolicyDocument"]))

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Take the policy off."""
        try:
            ctx.client("s3").delete_bucket_policy(Bucket=physical_id)
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The policy that the bucket has."""
        try:
            text = ctx.client("s3").get_bucket_policy(Bucket=physical_id)["Policy"]
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        return {"Bucket": physical_id, "PolicyDocument": json.loads(text)}
