"""The parts of an endpoint's definition about how a variant grows and shrinks."""

import re
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.tree import setting

MOST_STEPS = 20
"""Application Auto Scaling's quota of adjustments in a step policy."""
_ACTION_NAME = r"(?! )[^\x00-\x1f\x7f-\x9f:/|]{1,256}(?<! )"
_SCHEDULE = (
    r"(cron\([^()]{11,80}\)|rate\(\d{1,6} (minute|minutes|hour|hours|day|days)\)|at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\))"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class StepChange:
    """A step changes the number of instances when the metric is so far beyond its threshold."""

    beyond: float = setting(doc="From so far beyond the threshold on, up to the next step.")
    add: int = setting(doc="How many instances to add; negative to take away.", least=-100, most=100)


@dataclass(frozen=True, kw_only=True, slots=True)
class Steps:
    """Step scaling follows an alarm of its own, and changes more the further the metric is beyond its threshold."""

    metric: Literal["invocations", "cpu", "gpu", "backlog"] = setting(
        doc="Requests per instance and minute, percent of processors or GPUs in use, or requests in the queue."
    )
    threshold: float = setting(doc="Where the alarm goes off.", least=0)
    below: bool = setting(False, "The alarm goes off below the threshold, and not above.")
    period_seconds: Literal[60, 300, 900, 3600] = setting(60, "How long a data point is.", key="period_seconds")
    evaluations: int = setting(3, "How many data points in a row.", least=1, most=20)
    changes: tuple[StepChange, ...] = setting(doc="What to change, in order.")

    def __post_init__(self) -> None:
        starts = [change.beyond for change in self.changes]
        if len(starts) > MOST_STEPS:
            raise SpecError([Problem("changes", f"{len(starts)} are not allowed ({MOST_STEPS} or fewer)")])
        if not starts:
            raise SpecError([Problem("changes", "holds no step (one or more, each with beyond and add)")])
        if starts != sorted(set(starts)) or starts[0] != 0:
            text = ", ".join(f"{start:g}" for start in starts)
            raise SpecError([Problem("changes", f"begin at {text} (the first at 0, each at more than the one before)")])


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """A schedule changes the limits between which a variant scales."""

    at: str = setting(
        doc="When, as Application Auto Scaling takes it: `cron(0 8 ? * MON-FRI *)`, `rate(1 day)`, or `at(...)`.",
        pattern=_SCHEDULE,
        says="such as cron(0 8 ? * MON-FRI *), rate(1 day) or at(2026-12-01T08:00:00)",
    )
    timezone: str = setting(
        "UTC", "Its time zone.", pattern=r"[A-Za-z]+(/[A-Za-z_+0-9-]+){0,2}", says="such as Europe/Berlin"
    )
    least: int = setting(doc="The fewest instances from then on.", least=0, most=1000)
    most: int = setting(doc="The most instances from then on.", least=0, most=1000)

    def __post_init__(self) -> None:
        problems = [Problem("at", f"{self.at!r} is not allowed ({why})") for why in _bad_moments(self.at)]
        if self.timezone not in zoneinfo.available_timezones():
            problems.append(Problem("timezone", f"{self.timezone!r} is no time zone (such as Europe/Berlin)"))
        if self.least > self.most:
            problems.append(Problem("least", f"{self.least} is more than most ({self.most} or less)"))
        if problems:
            raise SpecError(problems)


def _bad_moments(text: str) -> Iterator[str]:
    """What is wrong with a schedule of the right form, as Application Auto Scaling would say in a deploy."""
    kind, _, inside = text.removesuffix(")").partition("(")
    if kind == "rate":
        number, _, unit = inside.partition(" ")
        if int(number) < 1 or (int(number) == 1) is unit.endswith("s"):
            yield "1 takes minute, hour or day; more take minutes, hours or days"
    elif kind == "at":
        try:
            datetime.fromisoformat(inside)
        except ValueError:
            yield "there is no such time"
    else:
        fields = inside.split()
        if len(fields) != 6:
            yield "six fields: minutes, hours, day of the month, month, day of the week, year"
        elif (fields[2] == "?") is (fields[4] == "?"):
            yield "exactly one of the day of the month and the day of the week is ?"


TARGETS = ("invocations", "concurrency", "backlog", "utilization")
"""The keys that track a target; at most one may be given."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scaling:
    """The variant scales between two limits: by a target, by steps, by schedules, or by several of these."""

    least: int = setting(1, "The fewest instances; 0 only where the kind allows it.", least=0, most=1000)
    most: int = setting(doc="The most instances.", least=1, most=1000)
    invocations: float | None = setting(None, "Track so many requests per instance and minute.", least=0.1, most=1e6)
    concurrency: float | None = setting(None, "Track so many requests at once per instance.", least=0.1, most=10_000)
    backlog: float | None = setting(None, "Track so many queued requests per instance.", least=0.1, most=1e6)
    utilization: float | None = setting(
        None, "Track so much use of the provisioned concurrency: 0.7 is 70 percent.", least=0.1, most=0.9
    )
    out_cooldown_seconds: int = setting(
        60, "The pause after growing.", least=0, most=3600, unit="seconds", key="out_cooldown"
    )
    in_cooldown_seconds: int = setting(
        300, "The pause after shrinking.", least=0, most=3600, unit="seconds", key="in_cooldown"
    )
    only_grow: bool = setting(False, "The target never shrinks the variant.")
    steps: Steps | None = setting(None, "Step scaling.")
    schedules: dict[str, Schedule] = setting(doc="Schedules by name.", factory=dict)

    def __post_init__(self) -> None:
        problems = [
            Problem(f"schedules.{name}", f"{name!r} is not allowed as a name (1 to 256 letters, without : / and |)")
            for name in self.schedules
            if re.fullmatch(_ACTION_NAME, name) is None
        ]
        given = [name for name in TARGETS if getattr(self, name) is not None]
        if self.least > self.most:
            problems.append(Problem("least", f"{self.least} is more than most ({self.most} or less)"))
        if len(given) > 1:
            problems.append(
                Problem("", f"{' and '.join(given)} exclude each other (at most one of {', '.join(TARGETS)})")
            )
        if not given and self.steps is None and not self.schedules:
            problems.append(Problem("", f"nothing ever scales it (one of {', '.join(TARGETS)}, steps or schedules)"))
        if problems:
            raise SpecError(problems)

    @property
    def target(self) -> str | None:
        """The key that tracks a target; None without one."""
        return next((name for name in TARGETS if getattr(self, name) is not None), None)
