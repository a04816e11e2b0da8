"""What an alarm's metric is now, for whoever acts on alarms."""

from moto.cloudwatch.models import cloudwatch_backends

from embedded import clock
from embedded.bus import metrics
from embedded.services.cloudwatch import alarms


@metrics.reader
def _newest(account: str, region: str, alarm_name: str) -> float | None:
    """The value of the latest period that has one."""
    backend = cloudwatch_backends[account][region]
    alarm = backend.alarms.get(alarm_name)
    if alarm is None:
        return None
    known = [value for value in alarms.values(backend, alarm, clock.calendar()) if value is not None]
    return known[-1] if known else None
