"""EventBridge: events reach the targets of the rules that match them, and any rule can be fired by hand."""

import json
import logging
import time
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from moto.events.models import Rule, events_backends

from embedded.bus import events
from embedded.bus.deliveries import deliver
from embedded.bus.dropped import records
from embedded.bus.inputs import target_input
from embedded.clients import DEFAULT_ACCOUNT
from embedded.operations import Call, Params, ServiceError, admin, operation
from embedded.patterns import PatternError, matches
from embedded.status import add_facts

EVENTS = "events.amazonaws.com"
_ENTRY_BYTES = 1_048_576
_REQUIRED = frozenset({"account", "detail-type", "id", "region", "source", "time"})
"""The fields without which TestEventPattern takes nothing for an event."""

_log = logging.getLogger(__name__)
_deliveries = ThreadPoolExecutor(max_workers=4, thread_name_prefix="events")


@events.listener
def route(account: str, region: str, event: Mapping[str, Any], *, bus: str = "default") -> None:
    """Deliver an event to the targets of every rule of the bus that matches it, in the background.

    What it lacks (id, time, ...) is added.
    """
    whole = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "account": account,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "region": region,
        "resources": [],
        **event,
    }
    backend = events_backends[account][region]
    for rule in list(backend.event_buses[bus].rules.values()):
        pattern = rule.event_pattern.dump()
        if rule.state == "DISABLED" or not pattern:
            continue
        try:
            if matches(pattern, whole):
                _deliveries.submit(_send_safely, rule, whole)
        except PatternError as error:
            _log.warning("rule %s: %s", rule.arn, error)


def _send_safely(rule: Rule, event: Mapping[str, Any]) -> None:
    try:
        send(rule, event)
    except Exception:
        _log.exception("an event for rule %s was lost", rule.arn)


def send(rule: Rule, event: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Deliver an event to a rule's targets; says of each whether it was delivered."""
    outcomes = []
    for target in rule.targets:
        body = target_input(target, event, rule.arn)
        reason = deliver(
            target["Arn"], body, source=EVENTS, source_arn=rule.arn, role_arn=target.get("RoleArn"), options=target
        )
        dead_letters = (target.get("DeadLetterConfig") or {}).get("Arn")
        if reason is not None and dead_letters:
            deliver(dead_letters, body, source=EVENTS, source_arn=rule.arn)
        outcomes.append({"target": target["Arn"], "delivered": reason is None, "reason": reason})
    return outcomes


@operation("events", "PutEvents")
def put_events(call: Call, params: Params) -> dict[str, Any]:
    """Take a user's events; sources that begin with `aws.` are AWS's own."""
    entries = [_put(call, entry) for entry in params["Entries"]]
    return {"FailedEntryCount": sum("ErrorCode" in entry for entry in entries), "Entries": entries}


def _put(call: Call, entry: Params) -> dict[str, str]:
    for field in ("Source", "DetailType", "Detail"):
        if not entry.get(field):
            text = f"Parameter {field} is not valid. Reason: {field} is a required argument."
            return {"ErrorCode": "InvalidArgument", "ErrorMessage": text}
    if entry["Source"].startswith("aws."):
        text = f"Not authorized for the source {entry['Source']}."
        return {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": text}
    try:
        detail = json.loads(entry["Detail"])
    except ValueError:
        detail = None
    if not isinstance(detail, dict):
        return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    if len(json.dumps(entry, default=str)) > _ENTRY_BYTES:
        return {"ErrorCode": "InvalidArgument", "ErrorMessage": "Total size of the entries is larger than allowed."}
    bus = str(entry.get("EventBusName", "default")).split("/")[-1]
    if bus not in events_backends[call.account][call.region].event_buses:
        # the service accepts such an event and it goes nowhere
        return {"EventId": str(uuid.uuid4())}
    event = {
        "id": str(uuid.uuid4()),
        "detail-type": entry["DetailType"],
        "source": entry["Source"],
        "resources": entry.get("Resources", []),
        "detail": detail,
    }
    if "Time" in entry:
        event["time"] = entry["Time"].strftime("%Y-%m-%dT%H:%M:%SZ")
    route(call.account, call.region, event, bus=bus)
    return {"EventId": event["id"]}


@operation("events", "TestEventPattern")
def test_event_pattern(call: Call, params: Params) -> dict[str, bool]:
    """Say whether a pattern matches an event; an event must have what EventBridge gives every event."""
    try:
        event = json.loads(params["Event"])
    except ValueError:
        event = None
    if not isinstance(event, dict) or not event.keys() >= _REQUIRED:
        raise ServiceError("ValidationException", "Parameter Event is not valid.")
    try:
        return {"Result": matches(params["EventPattern"], event)}
    except PatternError as error:
        raise ServiceError("InvalidEventPatternException", str(error)) from error


def rules(account: str, region: str | None) -> Iterator[Rule]:
    """Every rule of an account, on every bus; in one region or in all."""
    for name, backend in list(events_backends[account].items()):
        if region in (None, name):
            for bus in backend.event_buses.values():
                yield from bus.rules.values()


@admin("fire")
def fire(params: Params) -> dict[str, Any]:
    """Fire a rule by hand: {rule, account?, region?, event?}; without an event, the one that a schedule sends."""
    account = params.get("account", DEFAULT_ACCOUNT)
    found = [rule for rule in rules(account, params.get("region")) if rule.name == params["rule"]]
    if not found:
        known = ", ".join(sorted(rule.name for rule in rules(account, None))) or "none"
        raise ServiceError("ResourceNotFoundException", f"no rule {params['rule']!r}; rules: {known}", 404)
    rule = found[0]
    if rule.state == "DISABLED":
        raise ServiceError("ValidationException", f"rule {rule.name} is disabled: AWS would not fire it")
    if rule.event_pattern.get_pattern() and "event" not in params:
        text = f"rule {rule.name} waits for events, not for a time: give it one, " + '{"rule": ..., "event": {...}}'
        raise ServiceError("ValidationException", text)
    return {"rule": rule.arn, "targets": send(rule, scheduled_event(rule) | params.get("event", {}))}


def scheduled_event(rule: Rule) -> dict[str, Any]:
    """What a schedule sends; its time is the machine's."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": rule.account_id,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "region": rule.region_name,
        "resources": [rule.arn],
        "detail": {},
    }


add_facts(lambda: {"dropped": records()})
