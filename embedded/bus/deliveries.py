"""Deliveries from one service to another: each needs the grant that AWS asks for, and is dropped without it."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from moto.awslambda.models import lambda_backends
from moto.events.models import events_backends
from moto.logs.models import logs_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from embedded.access.grants import key_problem, lets_service_in
from embedded.access.role_policies import role_allows
from embedded.access.roles import assume
from embedded.bus.dropped import drop
from embedded.operations import ServiceError
from embedded.services.lambda_.operations import RealFunction, invoke_later

CLOUDWATCH = "cloudwatch.amazonaws.com"


class Undeliverable(Exception):
    """A delivery that AWS would drop, and why."""


def deliver(
    target_arn: str,
    body: Any,
    *,
    source: str,
    source_arn: str = "",
    role_arn: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> str | None:
    """Deliver a text (or what is made one by JSON) from a service to a resource; returns why it was dropped, or None.

    `source` is the service's principal, `events.amazonaws.com`; `options` are the target's own parameters.
    """
    text = body if isinstance(body, str) else json.dumps(body)
    kind = target_arn.split(":")[2]
    try:
        if kind not in _KINDS:
            raise Undeliverable(f"the embedded cloud does not deliver to {kind}")
        _KINDS[kind](target_arn, text, _Sender(source, source_arn, role_arn), options or {})
    except Undeliverable as reason:
        drop(source=source_arn or source, target=target_arn, reason=str(reason))
        return str(reason)
    return None


class _Sender:
    """Who delivers: a service's principal, on behalf of a rule or a topic, in a role's name if it has one."""

    def __init__(self, service: str, arn: str, role_arn: str | None) -> None:
        self.service, self.arn, self.role_arn = service, arn, role_arn

    def context(self, account: str) -> dict[str, str]:
        """The condition keys that the service sends."""
        account = self.arn.split(":")[4] if self.arn else account
        context = {"aws:SourceArn": self.arn, "aws:SourceAccount": account}
        # a topic's default policy asks for its owner: alarms tell it, rules and budgets do not
        return context | ({"aws:SourceOwner": account} if self.service == CLOUDWATCH else {})

    def require(self, action: str, resource: str, region: str) -> None:
        """Raise unless the role trusts the service and allows the action."""
        if self.role_arn is None:
            raise Undeliverable(f"the target has no RoleArn, which {self.service} needs for {action}")
        try:
            assume(self.role_arn, service=self.service, session="delivery", region=region)
        except ServiceError as error:
            raise Undeliverable(error.message) from error
        if not role_allows(self.role_arn, region, action, resource):
            raise Undeliverable(f"{self.role_arn} is not allowed {action} on {resource}")


def _place(arn: str) -> tuple[str, str]:
    _, _, _, region, account, *_ = arn.split(":")
    return account, region


def function_of(arn: str) -> RealFunction:
    """The function behind an ARN, with or without a qualifier."""
    account, region = _place(arn)
    try:
        found: RealFunction = lambda_backends[account][region].get_function(arn, None)
    except Exception as error:
        raise Undeliverable(f"the function {arn} does not exist") from error
    return found


def require_invoke_permission(function: RealFunction, service: str, source_arn: str) -> None:
    """Raise unless the function's own policy lets the service invoke it."""
    policy = {"Statement": [dict(statement) for statement in function.policy.statements]}
    context = {"aws:SourceArn": source_arn, "aws:SourceAccount": function.account_id}
    if not lets_service_in(policy, service, "lambda:InvokeFunction", context):
        raise Undeliverable(f"the policy of {function.function_name} does not let {service} invoke it")


def _to_function(arn: str, text: str, sender: _Sender, options: Mapping[str, Any]) -> None:
    function = function_of(arn)
    if sender.role_arn is not None:
        sender.require("lambda:InvokeFunction", arn, function.region)
    else:
        require_invoke_permission(function, sender.service, sender.arn)
    try:
        event = json.loads(text)
    except ValueError as error:
        raise Undeliverable(f"a function takes JSON, and the target's input is not: {text[:200]}") from error
    invoke_later(function, event)


def _to_topic(arn: str, text: str, sender: _Sender, options: Mapping[str, Any]) -> None:
    account, region = _place(arn)
    topic = sns_backends[account][region].topics.get(arn)
    if topic is None:
        raise Undeliverable("the topic does not exist")
    context = sender.context(account)
    if sender.role_arn is not None:
        sender.require("sns:Publish", arn, region)
    elif not lets_service_in(topic.policy, sender.service, "sns:Publish", context):
        raise Undeliverable(f"the topic's policy does not let {sender.service} publish")
    problem = key_problem(topic.kms_master_key_id, account, region, sender.service, context)
    if problem is not None and sender.role_arn is None:
        raise Undeliverable(problem)
    topic.publish(text, subject=options.get("Subject"))


def _to_queue(arn: str, text: str, sender: _Sender, options: Mapping[str, Any]) -> None:
    account, region = _place(arn)
    queue = sqs_backends[account][region].queues.get(arn.split(":")[-1])
    if queue is None:
        raise Undeliverable("the queue does not exist")
    context = sender.context(account)
    if sender.role_arn is not None:
        sender.require("sqs:SendMessage", arn, region)
    elif not lets_service_in(queue.policy, sender.service, "sqs:SendMessage", context):
        raise Undeliverable(f"the queue's policy does not let {sender.service} send messages")
    problem = key_problem(queue.kms_master_key_id, account, region, sender.service, context)
    if problem is not None and sender.role_arn is None:
        raise Undeliverable(problem)
    group = (options.get("SqsParameters") or {}).get("MessageGroupId")
    sqs_backends[account][region].send_message(queue.name, text, group_id=group)


def _to_machine(arn: str, text: str, sender: _Sender, options: Mapping[str, Any]) -> None:
    from embedded.services.stepfunctions.executions import start

    account, region = _place(arn)
    sender.require("states:StartExecution", arn, region)
    try:
        start(account, region, arn, None, text)
    except ServiceError as error:
        raise Undeliverable(error.message) from error


def _to_log_group(arn: str, text: str, sender: _Sender, options: Mapping[str, Any]) -> None:
    account, region = _place(arn)
    backend = logs_backends[account][region]
    name = arn.split(":")[6]
    if name not in backend.groups:
        raise Undeliverable("the log group does not exist")
    context = sender.context(account)
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        policies = [policy.policy_document for policy in backend.resource_policies.values()]
        if not any(lets_service_in(policy, sender.service, action, context) for policy in policies):
            raise Undeliverable(f"no resource policy of CloudWatch Logs lets {sender.service} do {action}")
    stream = time.strftime("%Y-%m-%d", time.gmtime())
    if stream not in backend.groups[name].streams:
        backend.create_log_stream(name, stream)
    backend.put_log_events(name, stream, [{"timestamp": int(time.time() * 1000), "message": text}])


def _to_bus(arn: str, text: str, sender: _Sender, options: Mapping[str, Any]) -> None:
    from embedded.services.events.operations import route

    account, region = _place(arn)
    if sender.role_arn is not None:
        sender.require("events:PutEvents", arn, region)
    name = arn.split("/")[-1]
    if name not in events_backends[account][region].event_buses:
        raise Undeliverable("the event bus does not exist")
    route(account, region, json.loads(text), bus=name)


_KINDS: dict[str, Callable[[str, str, _Sender, Mapping[str, Any]], None]] = {
    "lambda": _to_function,
    "sns": _to_topic,
    "sqs": _to_queue,
    "states": _to_machine,
    "logs": _to_log_group,
    "events": _to_bus,
}
