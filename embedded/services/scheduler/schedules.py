"""Scheduler: every enabled schedule calls its target by the cloud's clock."""

import contextlib
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from moto.scheduler.exceptions import ScheduleNotFound
from moto.scheduler.models import EventBridgeSchedulerBackend, Schedule, scheduler_backends

from embedded.kept import parts
from embedded.schedules.expressions import Expression, read
from embedded.schedules.watch import Scheduled, Watch
from embedded.services.scheduler.targets import invoke


@lru_cache(maxsize=256)
def _read(text: str, zone: str) -> Expression:
    return read(text, ZoneInfo(zone))


def scheduled() -> Iterator[Scheduled]:
    """Every enabled schedule of every account and region."""
    for account, regions in list(scheduler_backends.items()):
        for region, backend in list(regions.items()):
            for group in list(backend.schedule_groups.values()):
                for one in list(group.schedules.values()):
                    if one.state == "ENABLED":
                        yield _scheduled(one, backend, account, region)


def _scheduled(one: Schedule, backend: EventBridgeSchedulerBackend, account: str, region: str) -> Scheduled:
    def call(moment: float) -> None:
        parts.touch()
        invoke(one, account, region)

    def over() -> None:
        if one.action_after_completion == "DELETE":
            with contextlib.suppress(ScheduleNotFound):
                backend.delete_schedule(one.group_name, one.name)

    return Scheduled(
        key=one.arn,
        text=f"{one.schedule_expression} {one.schedule_expression_timezone} {one.start_date} {one.end_date}",
        expression=_read(one.schedule_expression, one.schedule_expression_timezone),
        at_once=True,
        start=_stamp(one.start_date),
        end=_stamp(one.end_date),
        call=call,
        over=over,
    )


def _stamp(given: Any) -> float | None:
    return given.timestamp() if isinstance(given, datetime) else None if given is None else float(given)


Watch("schedules", scheduled).start()
