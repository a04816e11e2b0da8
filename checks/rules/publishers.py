"""A publisher to an encrypted resource needs the resource's policy and its key's, or messages vanish silently."""

import json
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from checks.rules.model import Assembly, Finding, Resource, as_list

RULE = "publishers-may-publish"
USE_KEY = ("kms:Decrypt", "kms:GenerateDataKey")
"""What a service needs of the key of a topic that it publishes to."""
WRITE_LOGS = ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey")
"""What CloudWatch Logs needs of a log group's key."""

_ALARM_ACTIONS = ("AlarmActions", "OKActions", "InsufficientDataActions")
_SOURCE = ("aws:sourceaccount", "aws:sourcearn", "kms:encryptioncontext:aws:logs:arn")


def publishers_may_publish(assembly: Assembly) -> Iterator[Finding]:
    """Every publisher to an encrypted topic, log group or log bucket is allowed, with its account as a condition."""
    for service, source, topic in _publishers(assembly):
        statements = _statements(assembly, "AWS::SNS::TopicPolicy", "Topics", topic)
        if not _allowed(statements, service, ["sns:Publish"]):
            yield _missing(source, service, "sns:Publish", f"the policy of topic {topic.logical_id}")
        key = assembly.target(topic.stack, topic.properties.get("KmsMasterKeyId"))
        if key is not None and not _allowed(_key_statements(key), service, USE_KEY):
            yield _missing(source, service, " and ".join(USE_KEY), f"the policy of key {key.logical_id}")
    for group in assembly.resources("AWS::Logs::LogGroup"):
        key = assembly.target(group.stack, group.properties.get("KmsKeyId"))
        if key is not None and not _allowed(_key_statements(key), "logs.", WRITE_LOGS):
            yield _missing(group, "logs", " and ".join(WRITE_LOGS), f"the policy of key {key.logical_id}")
    yield from _access_logs(assembly)


def _publishers(assembly: Assembly) -> Iterator[tuple[str, Resource, Resource]]:
    """Service, source and topic of everything that publishes on its own."""
    for rule in assembly.resources("AWS::Events::Rule"):
        arns = [target.get("Arn") for target in as_list(rule.properties.get("Targets"))]
        yield from _to_topics(assembly, "events.amazonaws.com", rule, arns)
    for alarm in assembly.resources("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
        arns = [action for name in _ALARM_ACTIONS for action in as_list(alarm.properties.get(name))]
        yield from _to_topics(assembly, "cloudwatch.amazonaws.com", alarm, arns)
    for budget in assembly.resources("AWS::Budgets::Budget"):
        notifications = _branches(budget.properties.get("NotificationsWithSubscribers"))
        subscribers = [one for notification in notifications for one in _branches(notification.get("Subscribers"))]
        arns = [one.get("Address") for one in subscribers if one.get("SubscriptionType") == "SNS"]
        yield from _to_topics(assembly, "budgets.amazonaws.com", budget, arns)


def _to_topics(
    assembly: Assembly, service: str, source: Resource, arns: Sequence[Any]
) -> Iterator[tuple[str, Resource, Resource]]:
    topics = {}
    for arn in arns:
        topic = assembly.target(source.stack, arn)
        if topic is not None and topic.type == "AWS::SNS::Topic":
            topics[topic.where] = topic
    for topic in topics.values():
        yield service, source, topic


def _branches(value: Any) -> list[Mapping[str, Any]]:
    """The members of a list, with both branches of every Fn::If in it."""
    members: list[Mapping[str, Any]] = []
    for member in as_list(value):
        if isinstance(member, Mapping) and set(member) == {"Fn::If"}:
            for branch in member["Fn::If"][1:]:
                members += _branches(branch)
        elif isinstance(member, Mapping) and set(member) != {"Ref"}:
            members.append(member)
    return members


def _access_logs(assembly: Assembly) -> Iterator[Finding]:
    for bucket in assembly.resources("AWS::S3::Bucket"):
        logging = bucket.properties.get("LoggingConfiguration", {})
        target = assembly.target(bucket.stack, logging.get("DestinationBucketName"))
        if target is None:
            continue
        statements = _statements(assembly, "AWS::S3::BucketPolicy", "Bucket", target)
        if not _allowed(statements, "logging.s3.amazonaws.com", ["s3:PutObject"]):
            where = f"the policy of bucket {target.logical_id}"
            yield _missing(bucket, "logging.s3.amazonaws.com", "s3:PutObject", where)
        if "aws:kms" in json.dumps(target.properties.get("BucketEncryption", {})):
            yield Finding(
                rule=RULE,
                where=bucket.where,
                message=f"its access logs never arrive: bucket {target.logical_id} is encrypted with a KMS key, and "
                "S3 delivers logs only to a bucket with S3's own encryption (AES256)",
            )


def _statements(assembly: Assembly, policy_type: str, names: str, resource: Resource) -> list[Mapping[str, Any]]:
    """The statements of all policies on a resource."""
    found: list[Mapping[str, Any]] = []
    for policy in assembly.resources(policy_type):
        targets = [assembly.target(policy.stack, value) for value in as_list(policy.properties.get(names))]
        if any(target is not None and target.where == resource.where for target in targets):
            found += as_list(policy.properties["PolicyDocument"]["Statement"])
    return found


def _key_statements(key: Resource) -> list[Mapping[str, Any]]:
    return as_list(key.properties.get("KeyPolicy", {}).get("Statement"))


def _allowed(statements: Sequence[Mapping[str, Any]], service: str, actions: Sequence[str]) -> bool:
    """Whether statements that name the source allow the service all actions."""
    granted: list[str] = []
    for statement in statements:
        principal = statement.get("Principal")
        services = _either(principal.get("Service")) if isinstance(principal, Mapping) else []
        if statement["Effect"] == "Allow" and any(_is(service, one) for one in services) and _names_source(statement):
            granted += as_list(statement["Action"])
    return all(any(fnmatchcase(action, pattern) for pattern in granted) for action in actions)


def _either(value: Any) -> list[Any]:
    """One value or many, with both branches of an Fn::If: which one the deploy takes is not known here."""
    if isinstance(value, Mapping) and set(value) == {"Fn::If"}:
        return list(value["Fn::If"][1:])
    return as_list(value)


def _is(service: str, principal: Any) -> bool:
    """Compare service principals; that of CloudWatch Logs holds the region, so its beginning counts."""
    return f'"{service}' in json.dumps(principal) if service.endswith(".") else bool(principal == service)


def _names_source(statement: Mapping[str, Any]) -> bool:
    keys = [key.lower() for test in statement.get("Condition", {}).values() for key in test]
    return any(key in _SOURCE for key in keys)


def _missing(source: Resource, service: str, actions: str, policy: str) -> Finding:
    return Finding(
        rule=RULE,
        where=source.where,
        message=f"what it sends vanishes: {policy} does not allow {service} {actions} with a source condition",
    )
