"""Waits for a job's instances as long as the service would."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from embedded import clock
from embedded.services.sagemaker.jobs import capacity
from embedded.services.sagemaker.jobs.running.failures import JobFailure

LOOK_SECONDS = 0.2
_NO_CAPACITY = (
    "CapacityError: Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. "
    "Please retry using a different ML instance type or after some time."
)


def wait_for_capacity(
    take: Callable[[], dict[str, int] | None],
    *,
    seconds_most: float | None,
    check: Callable[[], None],
    note: Callable[[], None],
    waiting: Callable[[], AbstractContextManager[None]],
) -> dict[str, int]:
    """The instances that `take` got at last; without a limit it is tried until `check` raises.

    `note` is called once, when the first try got none; `waiting` surrounds each wait.
    """
    give_up = None if seconds_most is None else clock.seconds() + seconds_most
    noted = False
    while True:
        check()
        taken = take()
        if taken is not None:
            return taken
        if give_up is not None and clock.seconds() >= give_up:
            raise JobFailure(_NO_CAPACITY)
        if not noted:
            note()
            noted = True
        with waiting():
            capacity.wait_for_change(LOOK_SECONDS)
