"""Deliveries to log groups."""

import time
from collections.abc import Mapping
from typing import Any

from moto.logs.models import logs_backends

from embedded.access.grants import lets_service_in
from embedded.bus.deliveries import Sender, Undeliverable, destination, place


@destination("logs")
def _to_log_group(arn: str, text: str, sender: Sender, options: Mapping[str, Any]) -> None:
    account, region = place(arn)
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
