"""Alarms name policies as their actions: the engine sees their state by itself, so a delivery only has to arrive."""

from collections.abc import Mapping
from typing import Any

from embedded.bus.deliveries import Sender, Undeliverable, destination
from embedded.services.applicationautoscaling.records import policies


@destination("autoscaling")
def _to_policy(arn: str, text: str, sender: Sender, options: Mapping[str, Any]) -> None:
    if not any(one.arn == arn for one in list(policies.values())):
        raise Undeliverable("the scaling policy does not exist")
