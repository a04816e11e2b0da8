"""Deliveries that begin an incident."""

from collections.abc import Mapping
from typing import Any

from embedded.bus.deliveries import Sender, Undeliverable, destination

from .operations import start
from .store import PLANS


@destination("ssm-incidents")
def _to_plan(arn: str, text: str, sender: Sender, options: Mapping[str, Any]) -> None:
    if arn not in PLANS:
        raise Undeliverable("the response plan does not exist")
    region = sender.arn.split(":")[3]
    sender.require("ssm-incidents:StartIncident", arn, region)
    start(arn, text)
