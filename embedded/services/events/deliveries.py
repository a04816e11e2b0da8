"""Deliveries to event buses: an event goes on to the rules of that bus."""

import json
from collections.abc import Mapping
from typing import Any

from moto.events.models import events_backends

from embedded.bus.deliveries import Sender, Undeliverable, destination, place
from embedded.services.events.operations import route


@destination("events")
def _to_bus(arn: str, text: str, sender: Sender, options: Mapping[str, Any]) -> None:
    account, region = place(arn)
    if sender.role_arn is not None:
        sender.require("events:PutEvents", arn, region)
    name = arn.split("/")[-1]
    if name not in events_backends[account][region].event_buses:
        raise Undeliverable("the event bus does not exist")
    route(account, region, json.loads(text), bus=name)
