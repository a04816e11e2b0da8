"""S3's lifecycle rules and notifications: templates spell them otherwise than the API does."""

from typing import Any

from embedded.cloudformation.providers.base import Props


def lifecycle_to_api(configuration: Props | None) -> list[dict[str, Any]]:
    """A template's lifecycle rules as PutBucketLifecycleConfiguration takes them."""
    if not configuration:
        return []
    return [_rule(rule, number) for number, rule in enumerate(configuration["Rules"], 1)]


def _rule(rule: dict[str, Any], number: int) -> dict[str, Any]:
    made: dict[str, Any] = {"ID": rule.get("Id", f"rule-{number}"), "Status": rule["Status"], "Filter": _filter(rule)}
    expiration: dict[str, Any] = {}
    if "ExpirationInDays" in rule:
        expiration["Days"] = int(rule["ExpirationInDays"])
    if "ExpirationDate" in rule:
        expiration["Date"] = rule["ExpirationDate"]
    if "ExpiredObjectDeleteMarker" in rule:
        expiration["ExpiredObjectDeleteMarker"] = str(rule["ExpiredObjectDeleteMarker"]).lower() == "true"
    if expiration:
        made["Expiration"] = expiration
    noncurrent = rule.get("NoncurrentVersionExpiration")
    if noncurrent is None and "NoncurrentVersionExpirationInDays" in rule:
        noncurrent = {"NoncurrentDays": rule["NoncurrentVersionExpirationInDays"]}
    if noncurrent is not None:
        made["NoncurrentVersionExpiration"] = {key: int(value) for key, value in noncurrent.items()}
    if "AbortIncompleteMultipartUpload" in rule:
        days = rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]
        made["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": int(days)}
    transitions = [*rule.get("Transitions", ()), *([rule["Transition"]] if "Transition" in rule else ())]
    if transitions:
        made["Transitions"] = [
            {"Days": int(item["TransitionInDays"]), "StorageClass": item["StorageClass"]} for item in transitions
        ]
    if "NoncurrentVersionTransitions" in rule:
        made["NoncurrentVersionTransitions"] = [
            {"NoncurrentDays": int(item["TransitionInDays"]), "StorageClass": item["StorageClass"]}
            for item in rule["NoncurrentVersionTransitions"]
        ]
    return made


def _filter(rule: dict[str, Any]) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    if "Prefix" in rule:
        parts["Prefix"] = rule["Prefix"]
    for name in ("ObjectSizeGreaterThan", "ObjectSizeLessThan"):
        if name in rule:
            parts[name] = int(rule[name])
    tags = [{"Key": item["Key"], "Value": item["Value"]} for item in rule.get("TagFilters", ())]
    if not tags and len(parts) <= 1:
        return parts or {"Prefix": ""}
    if len(tags) == 1 and not parts:
        return {"Tag": tags[0]}
    return {"And": {**parts, **({"Tags": tags} if tags else {})}}


def notification_to_api(configuration: Props | None) -> dict[str, Any]:
    """A template's notifications as PutBucketNotificationConfiguration takes them."""
    made: dict[str, Any] = {}
    if not configuration:
        return made
    kinds = {
        "LambdaConfigurations": ("LambdaFunctionConfigurations", "Function", "LambdaFunctionArn"),
        "QueueConfigurations": ("QueueConfigurations", "Queue", "QueueArn"),
        "TopicConfigurations": ("TopicConfigurations", "Topic", "TopicArn"),
    }
    for name, (api, target, parameter) in kinds.items():
        items = []
        for item in configuration.get(name, ()):
            entry: dict[str, Any] = {"Events": [item["Event"]], parameter: item[target]}
            if "Filter" in item:
                rules = [{"Name": rule["Name"], "Value": rule["Value"]} for rule in item["Filter"]["S3Key"]["Rules"]]
                entry["Filter"] = {"Key": {"FilterRules": rules}}
            items.append(entry)
        if items:
            made[api] = items
    if str(configuration.get("EventBridgeConfiguration", {}).get("EventBridgeEnabled", "false")).lower() == "true":
        made["EventBridgeConfiguration"] = {}
    return made
