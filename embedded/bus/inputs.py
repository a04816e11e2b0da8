"""What a rule's target is given: the event, a part of it, a constant, or a template filled from it."""

import json
import re
import time
from collections.abc import Mapping
from typing import Any

_STEP = re.compile(r"\.([\w-]+)|\[(\d+)\]|\['([^']+)'\]")
_PLACEHOLDER = re.compile(r"<([\w.-]+)>")
_MISSING = object()


def look_up(path: str, event: Any) -> Any:
    """What a JSONPath of EventBridge's simple kind finds; None where there is nothing."""
    place = event
    for name, index, quoted in _STEP.findall(path.removeprefix("$")):
        if index:
            place = place[int(index)] if isinstance(place, list) and int(index) < len(place) else None
        else:
            place = place.get(name or quoted) if isinstance(place, Mapping) else None
    return place


def target_input(target: Mapping[str, Any], event: Mapping[str, Any], rule_arn: str) -> str:
    """The text that a target receives."""
    if target.get("Input"):
        return str(target["Input"])
    if target.get("InputPath"):
        return json.dumps(look_up(target["InputPath"], event))
    transformer = target.get("InputTransformer")
    if transformer:
        paths = transformer.get("InputPathsMap") or {}
        values = {name: look_up(path, event) for name, path in paths.items()}
        return fill(transformer["InputTemplate"], values | _reserved(event, rule_arn))
    return json.dumps(event)


def _reserved(event: Mapping[str, Any], rule_arn: str) -> dict[str, Any]:
    return {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_arn.split("/")[-1],
        "aws.events.event.ingestion-time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "aws.events.event": {key: value for key, value in event.items() if key != "detail"},
        "aws.events.event.json": event,
    }


def fill(template: str, values: Mapping[str, Any]) -> str:
    """Fill a template: inside quotes a value is put in as text, outside as JSON."""

    def replacement(match: re.Match[str]) -> str:
        value = values.get(match[1], _MISSING)
        if value is _MISSING:
            return match[0]
        if _inside_quotes(template, match.start()):
            text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
            return json.dumps(text)[1:-1]
        return '""' if value is None else json.dumps(value)

    return _PLACEHOLDER.sub(replacement, template)


def _inside_quotes(template: str, position: int) -> bool:
    inside, escaped = False, False
    for character in template[:position]:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == '"':
            inside = not inside
    return inside
