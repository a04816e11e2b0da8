"""What a form's policy allows: its conditions, each field against them, and when it ends."""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from embedded.services.s3.post_forms.errors import Refused, denied, invalid_policy

_NEED_NO_CONDITION = frozenset({"awsaccesskeyid", "file", "policy", "signature", "x-amz-signature", "bucket"})
_IGNORED = "x-ignore-"
_LISTS = frozenset({"content-type"})
"""Fields that may hold several values, each of which must fit."""


def check(text: str, fields: Mapping[str, str], *, size: int, now: datetime | None = None) -> None:
    """Raise unless the policy, in base64, allows these fields, by lower-case name, and a file of this size."""
    policy = _read(text)
    if (datetime.now(UTC) if now is None else now) > _expiration(policy):
        raise denied("Policy expired.")
    conditions = policy.get("conditions")
    if not isinstance(conditions, list):
        raise invalid_policy("Policy missing conditions.")
    named: set[str] = set()
    for condition in conditions:
        for operator, name, value in _parts(condition):
            if operator == "content-length-range":
                _check_size(size, int(name), int(value))
            else:
                named.add(name)
                if not _holds(operator, fields.get(name, ""), str(value), name):
                    raise denied(f"Policy Condition failed: {json.dumps(_shown(operator, name, value))}")
    extra = [
        name
        for name in fields
        if name not in named and name not in _NEED_NO_CONDITION and not name.startswith(_IGNORED)
    ]
    if extra:
        raise denied(f"Extra input fields: {', '.join(extra)}")


def _read(text: str) -> dict[str, Any]:
    try:
        policy = json.loads(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        raise invalid_policy("Invalid JSON.") from error
    if not isinstance(policy, dict):
        raise invalid_policy("Invalid JSON.")
    return policy


def _expiration(policy: Mapping[str, Any]) -> datetime:
    if "expiration" not in policy:
        raise invalid_policy("Policy missing expiration.")
    try:
        moment = datetime.fromisoformat(str(policy["expiration"]))
    except ValueError as error:
        raise invalid_policy(f"Invalid 'expiration' value: '{policy['expiration']}'") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _parts(condition: Any) -> list[tuple[str, str, Any]]:
    if isinstance(condition, dict):
        return [("eq", str(name).lower(), value) for name, value in condition.items()]
    if isinstance(condition, list) and len(condition) == 3:
        operator = str(condition[0]).lower()
        if operator == "content-length-range" and all(str(item).isdecimal() for item in condition[1:]):
            return [(operator, condition[1], condition[2])]
        if operator in ("eq", "starts-with") and str(condition[1]).startswith("$"):
            return [(operator, str(condition[1])[1:].lower(), condition[2])]
    raise invalid_policy(f"Invalid Condition: {json.dumps(condition)}")


def _holds(operator: str, said: str, wanted: str, name: str) -> bool:
    if operator == "eq":
        return said == wanted
    values = [item.strip() for item in said.split(",")] if name in _LISTS else [said]
    return all(value.startswith(wanted) for value in values)


def _shown(operator: str, name: str, value: Any) -> list[Any]:
    return [operator, f"${name}", value]


def _check_size(size: int, least: int, most: int) -> None:
    if size < least:
        text = "Your proposed upload is smaller than the minimum allowed size"
        raise Refused("EntityTooSmall", text, ProposedSize=str(size), MinSizeAllowed=str(least))
    if size > most:
        text = "Your proposed upload exceeds the maximum allowed size"
        raise Refused("EntityTooLarge", text, ProposedSize=str(size), MaxSizeAllowed=str(most))
