"""The alarms that roll a deployment back, asked of CloudWatch through its API."""

from collections.abc import Sequence

from embedded.clients import client
from embedded.operations import ServiceError


def check_known(account: str, region: str, names: Sequence[str]) -> None:
    """Refuse alarms that are not there."""
    if not names:
        return
    missing = sorted(set(names) - set(_states(account, region, names)))
    if missing:
        raise ServiceError(
            "ValidationException",
            f"Could not find the alarms of AutoRollbackConfiguration: {', '.join(missing)}. Create them first.",
        )


def tripped(account: str, region: str, names: Sequence[str]) -> list[str]:
    """Those that are in ALARM now. One that has been deleted since counts too: nobody would tell of a fault."""
    if not names:
        return []
    states = _states(account, region, names)
    return [name for name in names if states.get(name, "ALARM") == "ALARM"]


def _states(account: str, region: str, names: Sequence[str]) -> dict[str, str]:
    answer = client("cloudwatch", account, region).describe_alarms(AlarmNames=list(names))
    found = [*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ())]
    return {one["AlarmName"]: one["StateValue"] for one in found}
