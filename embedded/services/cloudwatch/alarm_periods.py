"""Every alarm is looked at when a period of it ends, by the cloud's clock: missing data is noticed by nothing else."""

import math
import threading

from moto.cloudwatch.models import cloudwatch_backends

from embedded import clock
from embedded.services.cloudwatch.alarms import evaluate_safely, period

_LOOK_SECONDS = 0.2
"""How often the machine's clock is looked at; an alarm's shortest period is 10 s."""
_ended: dict[str, int] = {}
"""The number of the period that an alarm was looked at last, by its ARN."""


def _watch() -> None:
    pause = threading.Event()
    while not pause.wait(_LOOK_SECONDS):
        look()


def look() -> None:
    """Evaluate the alarms that have begun another period since the last look."""
    now, seen = clock.calendar(), set()
    for account, regions in list(cloudwatch_backends.items()):
        for region, backend in list(regions.items()):
            for alarm in list(backend.alarms.values()):
                if alarm.rule:
                    continue  # a composite alarm has no period
                seen.add(alarm.alarm_arn)
                number = math.floor(now / period(alarm))
                if _ended.setdefault(alarm.alarm_arn, number) != number:
                    _ended[alarm.alarm_arn] = number
                    evaluate_safely(account, region, alarm)
    for gone in _ended.keys() - seen:
        del _ended[gone]


threading.Thread(target=_watch, name="alarm-periods", daemon=True).start()
