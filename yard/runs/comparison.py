"""Runs compared: which settings differ, how the runs learned, what they cost."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shardyard.spec.run_settings import flat, run_settings
from yard.aws import Aws
from yard.runs import runs
from yard.runs.logs import Tail

_HASH = re.compile(r"\b[0-9a-f]{40,64}\b")
"""A table with whole hashes is wider than any screen."""
RATES = ("tokens_per_second", "samples_per_second")


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One metric line of the first node."""

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

    def last(self, metric: str) -> float | None:
        """The last value of a metric, or None if it was never printed."""
        return next((point.metrics[metric] for point in reversed(self.points) if metric in point.metrics), None)

    @property
    def rate(self) -> float | None:
        """Tokens or samples per second: the median over the run."""
        values = sorted(point.metrics[name] for point in self.points for name in RATES if name in point.metrics)
        return values[len(values) // 2] if values else None


def read_curve(aws: Aws, run: runs.Run) -> Curve:
    """Read a run from its training jobs, their logs and its receipt."""
    attempts = runs.attempts(aws, run)
    names = [attempt["TrainingJobName"] for attempt in attempts]
    described = [aws.client("sagemaker").describe_training_job(TrainingJobName=name) for name in names]
    receipt = _receipt(aws, run)
    return Curve(
        run_id=run.run_id,
        job=run.job,
        status=run.status.lower(),
        settings={**(flat(run_settings(described[-1])) if described else {}), **_origin(receipt)},
        points=tuple(_points(Tail(aws, run.run_id, node=1), names)),
        billable_seconds=sum(job.get("BillableTimeInSeconds", 0) for job in described) if described else None,
        usd=receipt.get("cost_usd"),
    )


def differing(curves: Sequence[Curve]) -> list[tuple[str, list[Any]]]:
    """The settings that differ between runs: name, and each run's value, hashes cut."""
    names = sorted({name for curve in curves for name in curve.settings})
    rows = [(name, [curve.settings.get(name) for curve in curves]) for name in names]
    return [(name, list(map(_cut, values))) for name, values in rows if any(value != values[0] for value in values)]


def _cut(value: Any) -> Any:
    return _HASH.sub(lambda match: match[0][:12], value) if isinstance(value, str) else value


def _points(tail: Tail, names: list[str]) -> list[Point]:
    """Later lines win: an attempt that resumed prints some steps again."""
    found: dict[float, Point] = {}
    first: int | None = None
    for line in tail.lines(names):
        metrics = line.metrics()
        if "step" not in metrics:
            continue
        first = line.at_milliseconds if first is None else first
        step = metrics["step"]
        earlier = found[step].metrics if step in found else {}
        seconds = (line.at_milliseconds - first) / 1000
        found[step] = Point(step=step, seconds=seconds, metrics={**earlier, **metrics})
    return [found[step] for step in sorted(found)]


def _origin(receipt: Mapping[str, Any]) -> dict[str, Any]:
    """What a receipt knows besides the training job: which image its tag was, and from which commit the run came."""
    if not receipt:
        return {}
    return {
        "image_digest": receipt["image"]["digest"],
        "git_commit": receipt["git_commit"],
        "git_dirty": receipt.get("git_dirty"),
    }


def _receipt(aws: Aws, run: runs.Run) -> dict[str, Any]:
    """The receipt, or nothing for a run that has none yet."""
    from yard.errors import UserError

    try:
        return runs.receipt(aws, run.run_id)
    except UserError:
        return {}
