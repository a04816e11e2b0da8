"""Deliveries to state machines: each starts an execution."""

from collections.abc import Mapping
from typing import Any

from embedded.bus.deliveries import Sender, Undeliverable, destination, place
from embedded.operations import ServiceError
from embedded.services.stepfunctions.executions import start


@destination("states")
def _to_machine(arn: str, text: str, sender: Sender, options: Mapping[str, Any]) -> None:
    account, region = place(arn)
    sender.require("states:StartExecution", arn, region)
    try:
        start(account, region, arn, None, text)
    except ServiceError as error:
        raise Undeliverable(error.message) from error
