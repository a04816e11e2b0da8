"""All conditions together: what they are now, and how they are changed."""

from collections.abc import Mapping
from typing import Any

from embedded.operations import ServiceError
from embedded.weather import carriage, events, hosts, processing, spot, tuning
from embedded.weather.condition import Condition

CONDITIONS: tuple[Condition[str] | Condition[float], ...] = (
    carriage.LAST_SYNC,
    carriage.DELETIONS,
    carriage.DELETION_LAG,
    carriage.UPLOAD_SPEED,
    events.TRAINING_EVENTS,
    events.EVENT_DELAY,
    hosts.HOSTNAMES,
    processing.STOP_NOTICE,
    processing.UNFINISHED_OUTPUTS,
    spot.SPOT_NOTICE,
    spot.SPOT_CAPACITY,
    tuning.TUNING_CHECKPOINTS,
)

FAIR, PESSIMISTIC = "fair", "pessimistic"


def change(preset: str | None, values: Mapping[str, Any]) -> None:
    """Take a whole preset, then single values; nothing changes if a name or a value is wrong."""
    new = {} if preset is None else _preset(preset)
    known = {condition.name: condition for condition in CONDITIONS}
    for name, value in values.items():
        if name not in known:
            names = ", ".join(known)
            raise ServiceError("ValidationException", f"no such condition: {name!r}; known: {names}")
        new[name] = known[name].read(value)
    for name, value in new.items():
        known[name].value = value


def _preset(name: str) -> dict[str, str | float]:
    if name not in (FAIR, PESSIMISTIC):
        raise ServiceError("ValidationException", f"no such weather: {name!r}; known: {FAIR}, {PESSIMISTIC}")
    return {
        condition.name: condition.pessimistic if name == PESSIMISTIC and condition.combines else condition.fair
        for condition in CONDITIONS
    }


def summary() -> str:
    """`fair`, `pessimistic`, or the conditions that are not fair."""
    now = {condition.name: condition.value for condition in CONDITIONS}
    for name in (FAIR, PESSIMISTIC):
        if now == _preset(name):
            return name
    return ", ".join(f"{one.name}={_shown(one.value)}" for one in CONDITIONS if one.value != one.fair)


def table() -> list[dict[str, Any]]:
    """A row per condition."""
    return [
        {
            "condition": one.name,
            "now": _shown(one.value),
            "fair": _shown(one.fair),
            "pessimistic": _shown(one.pessimistic) if one.combines else f"{_shown(one.fair)} (or {one.pessimistic})",
            "about": one.about,
            "source": f"{one.source.text} ({one.source.date})",
        }
        for one in CONDITIONS
    ]


def _shown(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.15g}"
