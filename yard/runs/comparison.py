"""Runs compared: which settings differ, how the runs learned, what they cost."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shardyard.spec.catalogue.service_jobs import TRAINING
from shardyard.spec.jobs.log_metrics import LogMetrics
from shardyard.spec.jobs.metrics import STANDARD_METRICS
from shardyard.spec.run_settings import flat
from yard.aws import Aws
from yard.runs import about, beginnings, jobs, runs
from yard.runs.logs import Line, Tail, reader_of
from yard.transfer import event_files
from yard.transfer.event_files import Scalar

_HASH = re.compile(r"\b[0-9a-f]{40,64}\b")
"""A table with whole hashes is wider than any screen."""
_REGISTRY = re.compile(r"^\d{12}\.dkr\.ecr\.[a-z0-9.-]+/")
"""The address of the account's own registry, which no two runs differ in that a table has room for."""
_PROGRESS = ("step", "total_steps", "epoch")
RATES = ("tokens_per_second", "samples_per_second")


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """What the first node reported of one step."""

    step: float
    seconds: float
    """Since the run's first metric line."""
    metrics: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """One run: its settings, its metrics and its end."""

    run_id: str
    job: str
    status: str
    settings: Mapping[str, Any]
    """All its settings by name, from its last training job and its receipt."""
    points: Sequence[Point] = field(default_factory=tuple)
    billable_seconds: int | None = None
    usd: float | None = None
    name: str | None = None
    """What people call it."""

    def last(self, metric: str) -> float | None:
        """The last value of a metric, or None if it was never printed."""
        return next((point.metrics[metric] for point in reversed(self.points) if metric in point.metrics), None)

    @property
    def label(self) -> str:
        """What to call it where room is short."""
        return self.run_id if self.name is None else self.name

    @property
    def rate(self) -> float | None:
        """Tokens or samples per second: the median over the run."""
        values = sorted(point.metrics[name] for point in self.points for name in RATES if name in point.metrics)
        return values[len(values) // 2] if values else None


def read_curve(aws: Aws, run: runs.Run) -> Curve:
    """Read a run from its training jobs, their logs and its receipt."""
    attempts = runs.attempts(aws, run)
    names = [attempt["TrainingJobName"] for attempt in attempts]
    described = [jobs.describe(aws, run, name) for name in names]
    group = run.of.log_group
    receipt, said = _receipt(aws, run), about.read(aws, run.run_id)
    reader = reader_of(described[-1]) if described else LogMetrics()
    lines = list(Tail(aws, run.run_id, node=1, log_group=group).lines(names))
    made_of = {f"versions.{name}": version for name, version in beginnings.versions(lines).items()}
    settings = flat(jobs.settings_of(described[-1])) if described else {}
    has_board = any(job.get("TensorBoardOutputConfig") for job in described)
    written = event_files.of_run(aws, run.run_id) if has_board else []
    return Curve(
        run_id=run.run_id,
        job=run.job,
        status=run.status.lower(),
        settings={**settings, **made_of, **_origin(receipt), **_said(said)},
        name=said.name,
        points=tuple(with_scalars(_points(lines, reader), written)),
        billable_seconds=sum(job.get("BillableTimeInSeconds", 0) for job in described) if described else None,
        usd=receipt.get("cost_usd"),
    )


def curve_of_job(aws: Aws, run: runs.Run, described: Mapping[str, Any], *, name: str) -> Curve:
    """Read one training job of a run that has several beside each other, from its description and its log."""
    job = described["TrainingJobName"]
    tail = Tail(aws, run.run_id, node=1, log_group=TRAINING.log_group)
    return Curve(
        run_id=job,
        job=run.job,
        status=runs.status_of(described["TrainingJobStatus"]).lower(),
        settings=flat(jobs.settings_of(described)),
        name=name,
        points=tuple(_points(tail.lines([job]), reader_of(described))),
        billable_seconds=described.get("BillableTimeInSeconds"),
    )


def metric_names(curves: Sequence[Curve]) -> list[str]:
    """What any of the runs reported, besides where it was and how fast: the standard names first."""
    found = {name for curve in curves for point in curve.points for name in point.metrics}
    named = [name for name in STANDARD_METRICS if name in found]
    return [name for name in [*named, *sorted(found - set(named))] if name not in (*RATES, *_PROGRESS)]


def not_finite(curves: Sequence[Curve], name: str) -> int:
    """How many values of a metric are nan or infinite."""
    values = [point.metrics[name] for curve in curves for point in curve.points if name in point.metrics]
    return sum(not math.isfinite(value) for value in values)


def differing(curves: Sequence[Curve]) -> list[tuple[str, list[Any]]]:
    """The settings that differ between runs: name, and each run's value, hashes cut."""
    names = sorted({name for curve in curves for name in curve.settings})
    rows = [(name, [curve.settings.get(name) for curve in curves]) for name in names]
    return [(name, list(map(_cut, values))) for name, values in rows if any(value != values[0] for value in values)]


def outcome(curves: Sequence[Curve]) -> list[tuple[str, list[Any]]]:
    """How each run ended, one row per figure."""
    found: dict[str, list[Any]] = {
        "status": [curve.status for curve in curves],
        "steps": [curve.last("step") for curve in curves],
        **{name: [curve.last(name) for curve in curves] for name in metric_names(curves)},
        "median per second": [curve.rate for curve in curves],
        "billable seconds": [curve.billable_seconds for curve in curves],
        "USD": [curve.usd for curve in curves],
    }
    return list(found.items())


def _cut(value: Any) -> Any:
    return _REGISTRY.sub("", _HASH.sub(lambda match: match[0][:12], value)) if isinstance(value, str) else value


def with_scalars(points: Sequence[Point], written: Sequence[Scalar]) -> list[Point]:
    """The points of the log, and what event files have besides: where both name a metric of a step, the log counts."""
    logged = {point.step: point for point in points}
    found, nothing = dict(logged), Point(step=0.0, seconds=0.0, metrics={})
    first = min((one.wall_time for one in written), default=0.0)
    for one in written:
        step = float(one.step)
        here = found.get(step, Point(step=step, seconds=one.wall_time - first, metrics={"step": step}))
        if one.name not in logged.get(step, nothing).metrics:
            found[step] = replace(here, metrics={**here.metrics, one.name: one.value})
    return [found[step] for step in sorted(found)]


def _points(lines: Iterable[Line], reader: LogMetrics) -> list[Point]:
    """Later lines win: an attempt that resumed prints some steps again."""
    found: dict[float, Point] = {}
    first: int | None = None
    steps = _Steps()
    for line in lines:
        metrics = line.metrics(reader)
        step = steps.of(metrics)
        if step is None:
            continue
        first = line.at_milliseconds if first is None else first
        earlier = found[step].metrics if step in found else {}
        seconds = (line.at_milliseconds - first) / 1000
        found[step] = Point(step=step, seconds=seconds, metrics={**earlier, **metrics})
    return [found[step] for step in sorted(found)]


@dataclass(kw_only=True, slots=True)
class _Steps:
    """Which step a line is about, for programs that count them anew in each epoch, or not at all."""

    newest: float | None = None
    """Counted from the run's beginning."""
    before: dict[float | None, float] = field(default_factory=dict)
    """How many steps went before each epoch."""
    epoch: float | None = None
    """The newest step's."""
    said: float | None = None
    """The epoch that was named last, perhaps on a line of its own."""
    counted: int = 0

    def of(self, metrics: Mapping[str, float]) -> float | None:
        """The step of a line that reports something. One without a step belongs to the newest, or is counted."""
        self.said = metrics.get("epoch", self.said)
        if not metrics.keys() - {"epoch"}:
            return self.newest if metrics else None
        step = metrics.get("step")
        if step is None and self.newest is None:
            self.counted += 1
            return float(self.counted)
        if step is None:
            return self.newest
        if self.said not in self.before:
            before = self.before.get(self.epoch, 0.0)
            went_back = self.newest is not None and before + step <= self.newest
            is_later = self.said is not None and self.epoch is not None and self.said > self.epoch
            self.before[self.said] = self.newest if self.newest is not None and went_back and is_later else before
        self.epoch = self.said
        self.newest = step + self.before[self.said]
        return self.newest


def _origin(receipt: Mapping[str, Any]) -> dict[str, Any]:
    """What a receipt knows besides the training job: which image its tag was, and from which commit the run came."""
    if not receipt:
        return {}
    return {
        "image_digest": receipt["image"]["digest"],
        "git_commit": receipt["git_commit"],
        "git_dirty": receipt.get("git_dirty"),
    }


def _said(said: about.About) -> dict[str, Any]:
    """Names and tags beside what the runs were set to."""
    named = {} if said.name is None else {"name": said.name}
    return {**named, **{f"tag {key}": value if value else True for key, value in said.tags.items()}}


def _receipt(aws: Aws, run: runs.Run) -> dict[str, Any]:
    """The receipt, or nothing for a run that has none yet."""
    from yard.errors import UserError

    try:
        return runs.receipt(aws, run.run_id)
    except UserError:
        return {}
