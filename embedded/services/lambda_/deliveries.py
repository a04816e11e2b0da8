"""Deliveries to functions."""

import json
from collections.abc import Mapping
from typing import Any

from moto.awslambda.models import lambda_backends

from embedded.access.grants import lets_service_in
from embedded.bus.deliveries import Sender, Undeliverable, destination, place
from embedded.services.lambda_.operations import RealFunction, invoke_later


def _function_of(arn: str) -> RealFunction:
    """The function behind an ARN, with or without a qualifier."""
    account, region = place(arn)
    try:
        found: RealFunction = lambda_backends[account][region].get_function(arn, None)
    except Exception as error:
        raise Undeliverable(f"the function {arn} does not exist") from error
    return found


def _require_invoke_permission(function: RealFunction, service: str, source_arn: str) -> None:
    """Raise unless the function's own policy lets the service invoke it."""
    policy = {"Statement": [dict(statement) for statement in function.policy.statements]}
    context = {"aws:SourceArn": source_arn, "aws:SourceAccount": function.account_id}
    if not lets_service_in(policy, service, "lambda:InvokeFunction", context):
        raise Undeliverable(f"the policy of {function.function_name} does not let {service} invoke it")


@destination("lambda")
def _to_function(arn: str, text: str, sender: Sender, options: Mapping[str, Any]) -> None:
    function = _function_of(arn)
    if sender.role_arn is not None:
        sender.require("lambda:InvokeFunction", arn, function.region)
    else:
        _require_invoke_permission(function, sender.service, sender.arn)
    try:
        event = json.loads(text)
    except ValueError as error:
        raise Undeliverable(f"a function takes JSON, and the target's input is not: {text[:200]}") from error
    invoke_later(function, event)
