"""What the Scheduler says of a schedule, where moto 5.2.5 says less."""

from typing import Any

from moto.scheduler.models import Schedule

from embedded import moto_patches

_moto_to_dict = Schedule.to_dict


def to_dict(schedule: Schedule, short: bool = False) -> dict[str, Any]:
    """A schedule, with what becomes of it after its last run: nothing, unless it was told otherwise."""
    found: dict[str, Any] = _moto_to_dict(schedule, short)
    if found["ActionAfterCompletion"] is None:
        found["ActionAfterCompletion"] = "NONE"
    return found


moto_patches.replace(
    Schedule, "to_dict", to_dict, reason="it leaves out the default ActionAfterCompletion (recorded in September 2023)"
)
