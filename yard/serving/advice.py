"""Which kind of hosting is cheapest for some traffic, and what each does to the first and the slowest caller."""

import math
from dataclasses import dataclass

from shardyard.spec.catalogue.hosting import serverless_usd
from shardyard.spec.catalogue.instances import INSTANCES
from shardyard.spec.catalogue.prices import HOURS_PER_MONTH

_DAYS = HOURS_PER_MONTH / 24
_SLOWEST_SECONDS = 60
"""The longest that a real-time or a serverless endpoint waits for its container."""
_TAIL_HOURS = 0.5
"""How long the last instance of an asynchronous endpoint stays after the last request of a day: the 25 minutes
that others measured, rounded up (a third party's figure, and not ours)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """What callers ask for."""

    requests_a_day: float
    seconds_each: float
    """How long the model works on one."""
    hours_a_day: float
    """In how many hours of a day they come."""
    peak: float
    """By how much the busiest minute is above the average of those hours."""
    at_once: int
    """How many requests one instance works on at once."""

    @property
    def busy_at_peak(self) -> float:
        """How many requests are being worked on in the busiest minute."""
        per_second = self.requests_a_day / (self.hours_a_day * 3600)
        return per_second * self.peak * self.seconds_each

    @property
    def instances(self) -> int:
        """How many instances the busiest minute needs."""
        return max(math.ceil(self.busy_at_peak / self.at_once), 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Hosting:
    """One kind of hosting for that traffic."""

    kind: str
    usd_a_month: float | None
    """None where a price is not known, or where it cannot be had."""
    idle_usd: float | None
    """Of a month without any request."""
    first_request: str
    """What the first caller after a quiet time waits for."""
    slowest: str
    """What the slowest callers see."""
    refused: str = ""
    """Why it cannot be had."""


def compare(
    traffic: Traffic, *, instance_type: str, hourly_usd: float | None, memory_mb: int, region: str
) -> list[Hosting]:
    """Each kind of hosting, the cheapest first; what cannot be had, and what has no price, last."""
    found = [
        _realtime(traffic, hourly_usd),
        _asynchronous(traffic, hourly_usd),
        _serverless(traffic, instance_type, memory_mb, region),
    ]
    return sorted(found, key=lambda one: (bool(one.refused), one.usd_a_month is None, one.usd_a_month or 0.0))


def _realtime(traffic: Traffic, hourly_usd: float | None) -> Hosting:
    month = None if hourly_usd is None else round(traffic.instances * hourly_usd * HOURS_PER_MONTH, 2)
    refused = ""
    if traffic.seconds_each > _SLOWEST_SECONDS:
        refused = f"an answer may take {_SLOWEST_SECONDS} seconds"
    return Hosting(
        kind="realtime",
        usd_a_month=month,
        idle_usd=month,
        first_request="nothing: the instances stand",
        slowest="a queue, above the peak that was given",
        refused=refused,
    )


def _asynchronous(traffic: Traffic, hourly_usd: float | None) -> Hosting:
    hours = min(traffic.hours_a_day + _TAIL_HOURS, 24)
    month = None if hourly_usd is None else round(traffic.instances * hourly_usd * hours * _DAYS, 2)
    return Hosting(
        kind="asynchronous, to zero",
        usd_a_month=month,
        idle_usd=0.0,
        first_request="minutes: an instance is started",
        slowest="every answer comes by S3, after the queue",
    )


def _serverless(traffic: Traffic, instance_type: str, memory_mb: int, region: str) -> Hosting:
    kind, refused = INSTANCES.get(instance_type), ""
    if kind is not None and kind.accelerators:
        refused = f"{instance_type} has {kind.accelerator}, and a serverless endpoint has none"
    elif traffic.seconds_each > _SLOWEST_SECONDS:
        refused = f"an answer may take {_SLOWEST_SECONDS} seconds"
    elif traffic.busy_at_peak > 200:
        refused = f"the peak has {math.ceil(traffic.busy_at_peak)} requests at once, and 200 is the most"
    usd = serverless_usd(region)
    seconds = traffic.requests_a_day * _DAYS * traffic.seconds_each
    month = None if usd is None else round(seconds * usd * memory_mb / 1024, 2)
    return Hosting(
        kind="serverless",
        usd_a_month=month,
        idle_usd=0.0,
        first_request="seconds: container and model are loaded",
        slowest="a cold start, whenever one more is needed at once",
        refused=refused,
    )
