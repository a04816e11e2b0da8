"""DynamoDB: tables."""

from typing import Any

from botocore.exceptions import ClientError

from embedded.cloudformation.context import Context
from embedded.cloudformation.errors import NotEmulated
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.declared import is_absent
from embedded.cloudformation.providers.shapes import call, tag_changes, tag_list, without

_AT_CREATION = (
    "AttributeDefinitions",
    "BillingMode",
    "DeletionProtectionEnabled",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "LocalSecondaryIndexes",
    "ProvisionedThroughput",
    "SSESpecification",
    "StreamSpecification",
)
_AFTERWARDS = ("PointInTimeRecoverySpecification", "TimeToLiveSpecification")
_OTHERS = ("TableName", "Tags")
_UPDATED = frozenset(
    {"BillingMode", "DeletionProtectionEnabled", "ProvisionedThroughput", "SSESpecification", "StreamSpecification"}
)
"""What UpdateTable takes as it stands in the template."""


@provider
class Table(Provider):
    """`AWS::DynamoDB::Table`."""

    type = "AWS::DynamoDB::Table"

    def create(self, props: Props, ctx: Context) -> Made:
        """Create it with its indexes and what is switched on afterwards."""
        unknown = sorted(set(props) - {*_AT_CREATION, *_AFTERWARDS, *_OTHERS})
        if unknown:
            raise NotEmulated(f"the embedded cloud does not emulate {', '.join(unknown)} of {self.type}")
        name, client = str(props.get("TableName", ctx.name(255))), ctx.client("dynamodb")
        params = _params({key: props[key] for key in _AT_CREATION if key in props})
        tags = {"Tags": tag_list(props["Tags"])} if props.get("Tags") else {}
        call(client, "CreateTable", {"TableName": name, **params, **tags})
        ctx.begin(name)
        self._switch(name, {}, props, client)
        return self._made(name, client)

    @staticmethod
    def _switch(name: str, old: Props, new: Props, client: Any) -> None:
        off = {
            "TimeToLiveSpecification": {**old.get("TimeToLiveSpecification", {}), "Enabled": False},
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": False},
        }
        for key, operation in (
            ("TimeToLiveSpecification", "UpdateTimeToLive"),
            ("PointInTimeRecoverySpecification", "UpdateContinuousBackups"),
        ):
            if old.get(key) != new.get(key):
                call(client, operation, {"TableName": name, key: new.get(key, off[key])})

    @staticmethod
    def _made(name: str, client: Any) -> Made:
        found = client.describe_table(TableName=name)["Table"]
        stream = {"StreamArn": found["LatestStreamArn"]} if "LatestStreamArn" in found else {}
        return Made(physical_id=name, attributes={"Arn": found["TableArn"], **stream})

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Change what UpdateTable changes, the indexes one by one, and the tags."""
        client = ctx.client("dynamodb")
        wanted = _params(new)
        changed = {key: wanted[key] for key in _UPDATED if old.get(key) != new.get(key) and key in wanted}
        if "StreamSpecification" in old and "StreamSpecification" not in new:
            changed["StreamSpecification"] = {"StreamEnabled": False}
        if changed:
            call(client, "UpdateTable", {"TableName": physical_id, **changed})
        for update in _index_updates(old, new):
            definitions = {"AttributeDefinitions": new["AttributeDefinitions"], "GlobalSecondaryIndexUpdates": [update]}
            call(client, "UpdateTable", {"TableName": physical_id, **definitions})
        self._switch(physical_id, old, new, client)
        made = self._made(physical_id, client)
        tags, removed = tag_changes(old.get("Tags"), new.get("Tags"))
        if tags:
            client.tag_resource(ResourceArn=made.attributes["Arn"], Tags=tag_list(tags))
        if removed:
            client.untag_resource(ResourceArn=made.attributes["Arn"], TagKeys=removed)
        return made

    def replaces(self, old: Props, new: Props) -> bool:
        """Another key or another local index needs another table."""
        return any(old.get(key) != new.get(key) for key in ("KeySchema", "LocalSecondaryIndexes"))

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete it with all its items."""
        try:
            ctx.client("dynamodb").delete_table(TableName=physical_id)
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The table, and what other operations tell of it."""
        client = ctx.client("dynamodb")
        try:
            found: Props = dict(client.describe_table(TableName=physical_id)["Table"])
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        found["BillingMode"] = found.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
        encryption = found.get("SSEDescription", {})
        found["SSESpecification"] = {
            "SSEEnabled": encryption.get("Status") == "ENABLED",
            "SSEType": encryption.get("SSEType"),
            "KMSMasterKeyId": props.get("SSESpecification", {}).get("KMSMasterKeyId"),
        }
        if "StreamSpecification" in found:
            found["StreamSpecification"] = without(found["StreamSpecification"], "StreamEnabled")
        life = client.describe_time_to_live(TableName=physical_id)["TimeToLiveDescription"]
        found["TimeToLiveSpecification"] = {
            "Enabled": life["TimeToLiveStatus"] == "ENABLED",
            "AttributeName": life.get("AttributeName"),
        }
        backups = client.describe_continuous_backups(TableName=physical_id)["ContinuousBackupsDescription"]
        recovery = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
        found["PointInTimeRecoverySpecification"] = {"PointInTimeRecoveryEnabled": recovery == "ENABLED"}
        found["Tags"] = tag_list(client.list_tags_of_resource(ResourceArn=found["TableArn"])["Tags"])
        return found


def _params(props: Props) -> Props:
    """The API's parameters: a template names the kind of encryption and of stream otherwise."""
    params = dict(props)
    if "SSESpecification" in props:
        given = props["SSESpecification"]
        params["SSESpecification"] = {"Enabled": given["SSEEnabled"], **without(given, "SSEEnabled")}
    if "StreamSpecification" in props:
        params["StreamSpecification"] = {"StreamEnabled": True, **props["StreamSpecification"]}
    return params


def _index_updates(old: Props, new: Props) -> list[dict[str, Any]]:
    """One update for each global index that goes, comes, or has another throughput."""
    before = {item["IndexName"]: item for item in old.get("GlobalSecondaryIndexes", ())}
    after = {item["IndexName"]: item for item in new.get("GlobalSecondaryIndexes", ())}
    updates: list[dict[str, Any]] = [{"Delete": {"IndexName": name}} for name in before if name not in after]
    for name, item in after.items():
        if name not in before:
            updates.append({"Create": item})
        elif without(before[name], "ProvisionedThroughput") != without(item, "ProvisionedThroughput"):
            updates += [{"Delete": {"IndexName": name}}, {"Create": item}]
        elif before[name] != item:
            throughput = item["ProvisionedThroughput"]
            updates.append({"Update": {"IndexName": name, "ProvisionedThroughput": throughput}})
    return updates
