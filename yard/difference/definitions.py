"""Definitions of state machines, which lie beside their templates, put back into them: there a change can be named."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from yard.aws import Aws
from yard.difference.sides import Side, Stack

MACHINE = "AWS::StepFunctions::StateMachine"
_PLACEHOLDER = re.compile(r"\$\{[^}]*\}")


def from_assembly(side: Side, folder: Path) -> Side:
    """With the definitions that lie in the folder of a cloud assembly."""

    def read(stack: Stack, logical_id: str, key: str) -> str | None:
        path = folder / f"asset.{key}"
        return path.read_text(encoding="utf-8") if path.is_file() else None

    return _with_definitions(side, read)


def from_account(side: Side, aws: Aws) -> Side:
    """With the definitions as they are deployed, every reference filled in."""
    states = aws.client("stepfunctions")

    def read(stack: Stack, logical_id: str, key: str) -> str | None:
        arn = stack.physical.get(logical_id)
        return None if arn is None else str(states.describe_state_machine(stateMachineArn=arn)["definition"])

    return _with_definitions(side, read)


def aligned(before: Side, after: Side) -> Side:
    """The first side, with the second one's placeholders where a deploy filled them in: they are no difference."""
    return Side([_aligned(stack, after.by_name.get(stack.name)) for stack in before.stacks])


def _with_definitions(side: Side, read: Callable[[Stack, str, str], str | None]) -> Side:
    def whole(stack: Stack) -> Stack:
        texts = {}
        for logical_id, resource in stack.resources.items():
            where = resource.get("Properties", {}).get("DefinitionS3Location")
            if resource["Type"] == MACHINE and where is not None and isinstance(where.get("Key"), str):
                text = read(stack, logical_id, where["Key"])
                if text is not None:
                    texts[logical_id] = text
        return _with_texts(stack, texts)

    return Side([whole(stack) for stack in side.stacks])


def _with_texts(stack: Stack, texts: Mapping[str, str]) -> Stack:
    resources = dict(stack.template.get("Resources", {}))
    for logical_id, text in texts.items():
        known = {
            name: value
            for name, value in resources[logical_id]["Properties"].items()
            if name not in ("DefinitionS3Location", "DefinitionString")
        }
        resources[logical_id] = {**resources[logical_id], "Properties": {**known, "DefinitionString": text}}
    return replace(stack, template={**stack.template, "Resources": resources})


def _aligned(before: Stack, after: Stack | None) -> Stack:
    if after is None:
        return before
    texts = {}
    for logical_id, resource in before.resources.items():
        then, now = _text(resource), _text(after.resources.get(logical_id, {}))
        if then is not None and now is not None:
            wanted = json.loads(now)
            placed = _placed(json.loads(then), wanted)
            texts[logical_id] = now if placed == wanted else json.dumps(placed, separators=(",", ":"))
    return _with_texts(before, texts)


def _text(resource: Mapping[str, Any]) -> str | None:
    found = resource.get("Properties", {}).get("DefinitionString") if resource.get("Type") == MACHINE else None
    return found if isinstance(found, str) else None


def _placed(then: Any, now: Any) -> Any:
    if isinstance(then, dict) and isinstance(now, dict):
        return {key: _placed(value, now[key]) if key in now else value for key, value in then.items()}
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        return [_placed(*pair) for pair in zip(then, now, strict=True)]
    if isinstance(then, str) and isinstance(now, str) and _PLACEHOLDER.search(now):
        filled = ".*".join(map(re.escape, _PLACEHOLDER.split(now)))
        return now if re.fullmatch(filled, then, re.DOTALL) else then
    return then
