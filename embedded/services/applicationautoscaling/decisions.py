"""How many instances a policy asks for: pure functions of the capacity, the metric and the configuration."""

import math
from collections.abc import Mapping
from typing import Any

DEFAULT_COOLDOWN_SECONDS = 300
"""Of SageMaker's variants, where a policy names none."""


def tracked(current: int, value: float, target: float) -> int:
    """The capacity at which a metric that falls as capacity grows would be at its target."""
    if current == 0:
        return 1 if value > 0 else 0
    return math.ceil(current * value / target)


def stepped(config: Mapping[str, Any], current: int, value: float, threshold: float) -> int | None:
    """The capacity that the step asks for into which the metric's distance from the threshold falls; None for none."""
    distance = value - threshold
    for step in config.get("StepAdjustments", ()):
        lower, upper = step.get("MetricIntervalLowerBound"), step.get("MetricIntervalUpperBound")
        if _is_within(distance, lower, upper):
            return max(0, _adjusted(config, current, step["ScalingAdjustment"]))
    return None


def _is_within(distance: float, lower: float | None, upper: float | None) -> bool:
    """Above the threshold the lower bound belongs to a step, below it the upper one."""
    if distance >= 0:
        return (lower is None or distance >= lower) and (upper is None or distance < upper)
    return (lower is None or distance > lower) and (upper is None or distance <= upper)


def _adjusted(config: Mapping[str, Any], current: int, adjustment: int) -> int:
    kind = config.get("AdjustmentType", "ChangeInCapacity")
    if kind == "ExactCapacity":
        return adjustment
    if kind == "ChangeInCapacity":
        return current + adjustment
    change = _whole(current * adjustment / 100)
    least = config.get("MinAdjustmentMagnitude", 0)
    if adjustment and abs(change) < least:
        change = least if adjustment > 0 else -least
    return current + change


def _whole(change: float) -> int:
    """A percentage of instances: rounded toward zero, but for less than one, which is one."""
    if 0 < change < 1:
        return 1
    return -1 if -1 < change < 0 else math.trunc(change)


def clamped(wanted: int, minimum: int, maximum: int) -> int:
    """Within the target's limits."""
    return min(max(wanted, minimum), maximum)


def why_not(wanted: int, current: int, minimum: int, maximum: int) -> dict[str, Any]:
    """The service's reason why nothing is scaled, where limits leave the capacity as it is."""
    if wanted > maximum and current >= maximum:
        return {"Code": "AlreadyAtMaxCapacity", "MaxCapacity": maximum, "CurrentCapacity": current}
    if wanted < minimum and current <= minimum:
        return {"Code": "AlreadyAtMinCapacity", "MinCapacity": minimum, "CurrentCapacity": current}
    return {"Code": "AlreadyAtDesiredCapacity", "CurrentCapacity": current}


def is_cooling(since: float | None, cooldown: float, now: float) -> bool:
    """Whether a cooldown is not over."""
    return since is not None and now - since < cooldown


def cooldowns(kind: str, config: Mapping[str, Any]) -> tuple[float, float]:
    """A policy's cooldowns in seconds, after scaling out and in."""
    if kind == "StepScaling":
        both = float(config.get("Cooldown", DEFAULT_COOLDOWN_SECONDS))
        return both, both
    out, inwards = config.get("ScaleOutCooldown"), config.get("ScaleInCooldown")
    return (
        float(DEFAULT_COOLDOWN_SECONDS if out is None else out),
        float(DEFAULT_COOLDOWN_SECONDS if inwards is None else inwards),
    )
