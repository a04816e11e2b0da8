"""A DeploymentConfig, checked, and the steps that it means: pure functions of the fleet's size."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from embedded.operations import ServiceError

Kind = Literal["ALL_AT_ONCE", "CANARY", "LINEAR", "ROLLING"]
_PERCENT_LIMITS = {"CANARY": (1, 50), "LINEAR": (10, 50), "ROLLING": (5, 50)}
_HALF = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """A part of a fleet: so many instances, or so many percent of its capacity."""

    kind: str
    value: int

    def instances(self, total: int) -> int:
        """How many instances of a fleet this is, at least one."""
        if self.kind == "INSTANCE_COUNT":
            return min(self.value, total)
        return max(1, math.floor(total * self.value / 100))

    def share(self, total: int) -> float:
        """The part of the fleet's traffic."""
        return min(1.0, self.value / total) if self.kind == "INSTANCE_COUNT" else self.value / 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """How traffic moves to a new fleet."""

    kind: Kind = "ALL_AT_ONCE"
    size: Size | None = None
    """Of the canary, of a linear step, of a rolling batch."""
    wait_seconds: float = 0.0
    """The bake after each step."""
    termination_seconds: float = 0.0
    """How long the old fleet is kept after the last step."""
    limit_seconds: float | None = None
    """How long all of it may take; after that it is rolled back."""
    rollback_size: Size | None = None
    """The batches in which a rolling deployment is rolled back; None for all at once."""
    alarms: tuple[str, ...] = ()
    """The alarms that roll it back."""


def read(config: Mapping[str, Any] | None) -> Policy:
    """The policy that a DeploymentConfig means; raises the service's error for one that it would refuse."""
    if config is None:
        return Policy()
    found = [*_problems(config)]
    if found:
        raise ServiceError("ValidationException", " ".join(found))
    alarms = tuple(one["AlarmName"] for one in config.get("AutoRollbackConfiguration", {}).get("Alarms", ()))
    if "RollingUpdatePolicy" in config:
        rolling = config["RollingUpdatePolicy"]
        back = rolling.get("RollbackMaximumBatchSize")
        return Policy(
            kind="ROLLING",
            size=_size(rolling["MaximumBatchSize"]),
            wait_seconds=rolling["WaitIntervalInSeconds"],
            limit_seconds=rolling.get("MaximumExecutionTimeoutInSeconds"),
            rollback_size=None if back is None else _size(back),
            alarms=alarms,
        )
    if "BlueGreenUpdatePolicy" not in config:
        return Policy(alarms=alarms)
    blue_green = config["BlueGreenUpdatePolicy"]
    routing = blue_green["TrafficRoutingConfiguration"]
    given = routing.get({"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}.get(routing["Type"], ""))
    return Policy(
        kind=routing["Type"],
        size=None if given is None else _size(given),
        wait_seconds=routing["WaitIntervalInSeconds"],
        termination_seconds=blue_green.get("TerminationWaitInSeconds", 0),
        limit_seconds=blue_green.get("MaximumExecutionTimeoutInSeconds"),
        alarms=alarms,
    )


def _size(given: Mapping[str, Any]) -> Size:
    return Size(kind=given["Type"], value=given["Value"])


def _problems(config: Mapping[str, Any]) -> Iterator[str]:
    if "BlueGreenUpdatePolicy" in config and "RollingUpdatePolicy" in config:
        yield "Only one of BlueGreenUpdatePolicy and RollingUpdatePolicy can be given."
    if "RollingUpdatePolicy" in config:
        rolling = config["RollingUpdatePolicy"]
        yield from _size_problems("ROLLING", "MaximumBatchSize", rolling["MaximumBatchSize"])
        yield from _limit_problems(rolling, rolling["WaitIntervalInSeconds"])
    if "BlueGreenUpdatePolicy" in config:
        policy = config["BlueGreenUpdatePolicy"]
        routing = policy["TrafficRoutingConfiguration"]
        for kind, field in (("CANARY", "CanarySize"), ("LINEAR", "LinearStepSize")):
            if (routing["Type"] == kind) != (field in routing):
                verb = "needs" if routing["Type"] == kind else "takes no"
                yield f"TrafficRoutingConfiguration of Type {routing['Type']} {verb} {field}."
            elif field in routing:
                yield from _size_problems(kind, field, routing[field])
        yield from _limit_problems(policy, routing["WaitIntervalInSeconds"] + policy.get("TerminationWaitInSeconds", 0))


def _size_problems(kind: str, field: str, size: Mapping[str, Any]) -> Iterator[str]:
    least, most = _PERCENT_LIMITS[kind]
    if size["Type"] == "CAPACITY_PERCENT" and not least <= size["Value"] <= most:
        yield f"{field} must be from {least} to {most} percent of the capacity, not {size['Value']}."


def _limit_problems(policy: Mapping[str, Any], waits: float) -> Iterator[str]:
    limit = policy.get("MaximumExecutionTimeoutInSeconds")
    if limit is not None and limit <= waits:
        yield (
            f"MaximumExecutionTimeoutInSeconds {limit} must be larger than the total waiting time of {waits:g} seconds."
        )


def check_against_fleet(policy: Policy, total: int) -> None:
    """A canary, a step or a batch of instances must be no more than half of the fleet."""
    if policy.size is None or policy.size.kind != "INSTANCE_COUNT" or total == 1:
        return
    if policy.size.value > math.ceil(total * _HALF):
        raise ServiceError(
            "ValidationException",
            f"A step of {policy.size.value} instances is more than half of the fleet of {total} instances.",
        )


def shares(policy: Policy, total: int) -> list[float]:
    """The new fleet's part of the traffic after each step of a blue/green deployment; the last one is all."""
    if policy.kind == "CANARY" and policy.size is not None:
        first = policy.size.share(total)
        return [first, 1.0] if first < 1 else [1.0]
    if policy.kind == "LINEAR" and policy.size is not None:
        step = policy.size.share(total)
        count = math.ceil(1 / step - 1e-9)
        return [min(1.0, step * number) for number in range(1, count)] + [1.0]
    return [1.0]


def batches(size: Size | None, counts: Mapping[str, int]) -> list[dict[str, int]]:
    """How many instances of each variant each batch of a rolling deployment replaces; None for all at once."""
    if size is None:
        return [dict(counts)]
    left, found = dict(counts), []
    per_batch = {name: size.instances(count) if count else 0 for name, count in counts.items()}
    while any(left.values()):
        batch = {name: min(per_batch[name], left[name]) for name in left}
        found.append(batch)
        left = {name: left[name] - batch[name] for name in left}
    return found
