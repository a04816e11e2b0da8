"""A receipt as its readers need it: anybody who may write to the bucket may have put something else in its place."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

MOST_BYTES = 10_000_000
"""Larger than a receipt of a thousand attempts with all their settings."""


def read(body: bytes) -> dict[str, Any] | None:
    """A receipt's own values, and nothing in the place of what is missing or of another type; None if it is none."""
    if len(body) > MOST_BYTES:
        return None
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):  # no JSON, not UTF-8, a number of 5,000 digits, lists 100,000 deep
        return None
    return {**raw, **_fit(raw, _RECEIPT)} if isinstance(raw, dict) else None


def _text(raw: Any) -> str:
    return raw if isinstance(raw, str) else ""


def _text_or_none(raw: Any) -> str | None:
    return raw if isinstance(raw, str) else None


def _amount(raw: Any) -> float | None:
    """A number that can be counted with; whole ones stay whole."""
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    try:
        return raw if math.isfinite(raw) else None
    except OverflowError:  # a whole number beyond the largest fraction
        return None


def _seconds(raw: Any) -> float:
    found = _amount(raw)
    return 0 if found is None else found


def _count(raw: Any) -> int:
    return int(_seconds(raw))


def _metrics(raw: Any) -> dict[str, float]:
    """Names with numbers; a loss may be nan or infinite."""
    known = raw if isinstance(raw, dict) else {}
    return {
        name: value
        for name, value in known.items()
        if _amount(value) is not None or (isinstance(value, float) and not math.isfinite(value))
    }


def _addresses(raw: Any) -> dict[str, str]:
    known = raw if isinstance(raw, dict) else {}
    return {name: value for name, value in known.items() if isinstance(value, str)}


def _table(raw: Any) -> dict[str, Any]:
    return raw if isinstance(raw, dict) else {}


def _search(raw: Any) -> dict[str, Any] | None:
    """What a search has found; None of a run that was none."""
    return _fit(raw, _SEARCH) if isinstance(raw, dict) else None


def _automl(raw: Any) -> dict[str, Any] | None:
    """What an AutoML job has found; None of a run that was none."""
    return _fit(raw, _AUTOML) if isinstance(raw, dict) else None


def _retraining(raw: Any) -> dict[str, str] | None:
    return {"run_id": _text(raw.get("run_id")), "status": _text(raw.get("status"))} if isinstance(raw, dict) else None


def _texts(raw: Any) -> dict[str, str]:
    return {name: value for name, value in _table(raw).items() if isinstance(value, str)}


Shape = Callable[[Any], Any] | list[Any] | dict[str, Any]
"""What reads a value; a list of such values; a table of them by key."""

_RECEIPT: dict[str, Any] = {
    "run_id": _text,
    "job": _text,
    "kind": _text_or_none,
    "owner": _text_or_none,
    "launched_by": _text_or_none,
    "outcome": _text,
    "error": _text,
    "cause": _text,
    "started": _text,
    "data": [{"channel": _text, "uri": _text, "count": _count, "fingerprint": _text}],
    "attempt_count": _count,
    "attempts": [
        {
            "name": _text,
            "status": _text,
            "secondary_status": _text_or_none,
            "reason": _text_or_none,
            "exit_message": _text_or_none,
            "interruptions": _count,
            "started": _text_or_none,
            "instances": [{"count": _count, "type": _text}],
            "cost_usd": _amount,
        }
    ],
    "steps": [{"attempt": _count, "why": _text}],
    "billable_seconds": _seconds,
    "cost_usd": _amount,
    "saved_usd": _amount,
    "spot_saving_percent": _amount,
    "worst_case_usd": _amount,
    "price_source": _text,
    "metrics": _metrics,
    "model": _text_or_none,
    "outputs": _addresses,
    "model_package_arn": _text_or_none,
    "location": _text_or_none,
    "image": {"digest": _text_or_none},
    "git_commit": _text_or_none,
    "notes": [_text],
    "settings": _table,
    "values": _table,
    "tuning": _search,
    "automl": _automl,
    "links": {"logs": [_text], "dashboard": _text_or_none, "execution": _text_or_none},
}
"""What is read of a receipt, by us."""
_SEARCH: dict[str, Any] = {
    "tuning_job": _text,
    "status": _text_or_none,
    "strategy": _text,
    "objective": {"metric": _text, "goal": _text},
    "max_jobs": _amount,
    "max_parallel": _count,
    "best": _text_or_none,
    "trials": [
        {
            "name": _text,
            "definition": _text_or_none,
            "status": _text,
            "reason": _text_or_none,
            "objective": _amount,
            "objective_status": _text,
            "hyperparameters": _texts,
            "started": _text_or_none,
            "ended": _text_or_none,
            "billable_seconds": _seconds,
            "cost_usd": _amount,
        }
    ],
    "retraining": _retraining,
}
"""What is read of it about a search."""

_AUTOML: dict[str, Any] = {
    "job": _text,
    "objective": _text_or_none,
    "best": _text_or_none,
    "said": [_text],
    "candidates": [{"name": _text, "status": _text, "value": _amount}],
}
"""What is read of it about an AutoML job's candidates."""


def _fit(raw: Any, shape: Shape) -> Any:
    if isinstance(shape, list):
        return [_fit(one, shape[0]) for one in raw] if isinstance(raw, list) else []
    if isinstance(shape, dict):
        given: Mapping[str, Any] = raw if isinstance(raw, dict) else {}
        return {**given, **{key: _fit(given.get(key), inner) for key, inner in shape.items()}}
    return shape(raw)
