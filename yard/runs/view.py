"""What is known of a run while it goes on, from what the services and the nodes say."""

import math
import statistics
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contract.guards import WARNING
from contract.saves import FILES_AT_START_LINE
from shardyard.spec.jobs.log_metrics import LogMetrics
from yard.output import printable
from yard.runs.logs import Line, reader_of

_PACES = 25
"""Estimate the remaining time from the pace of this many lines."""
_COLUMNS = ("step", "total_steps", "loss", "tokens_per_second", "samples_per_second")
"""Metrics that the view shows in places of their own."""
TRAINING = "training"

_PHASES = {
    "Starting": "starting",
    "Pending": "waiting for capacity",
    "LaunchingMLInstances": "waiting for capacity",
    "PreparingTrainingStack": "preparing the nodes",
    "Downloading": "downloading",
    "DownloadingTrainingImage": "downloading the image",
    "Training": TRAINING,
    "Uploading": "uploading",
    "Interrupted": "interrupted, waiting for capacity",
    "Restarting": "restarting",
    "Stopping": "stopping",
    "Updating": "updating",
}


@dataclass
class Node:
    """The latest news of one node."""

    metrics: dict[str, float] = field(default_factory=dict)
    line: str = ""
    utilisation: dict[str, float] = field(default_factory=dict)
    """Percent by name: CPUUtilization, GPUUtilization; 100 per processor or GPU."""


@dataclass
class View:
    """What the screen shows. `observe` and `hear` fill it; neither draws."""

    job: str
    run_id: str
    region: str
    """Whose prices count."""
    phase: str = "checking before launch"
    training_job: str = ""
    attempt: int = 0
    nodes: dict[str, Node] = field(default_factory=dict)
    seconds_by_job: dict[str, float] = field(default_factory=dict)
    """The training seconds of each attempt; all of them are billed."""
    hourly_by_job: dict[str, float | None] = field(default_factory=dict)
    """The on-demand price of each attempt's instances per hour; None if any is unknown."""
    is_spot: bool = False
    reader: LogMetrics = field(default_factory=LogMetrics)
    """Reads the nodes' lines, with the job's own metrics."""
    not_finite: int = 0
    """How many lines had a loss that is nan or infinite."""
    warning: str = ""
    """The newest warning of a node's launcher, with the node's name."""
    began_again: float | None = None
    """The first step after the last interruption or restart."""
    _restarted_at: float | None = None
    """When the last interruption, restart or new attempt was, as far as the services say; 0 for a new attempt."""
    _empty_start: tuple[float, str] | None = None
    """When a node last started without a checkpoint, and which; None after a start with one."""
    _starts: int = 0
    """How often its nodes were started, as far as the services say."""
    _is_new_start: bool = False
    _newest: tuple[float, float] | None = None
    """The newest step and the time of its line."""
    _paces: deque[float] = field(default_factory=lambda: deque(maxlen=_PACES))
    """Seconds per step, latest lines."""

    def observe(self, attempts: list[dict[str, Any]], description: dict[str, Any] | None, execution: str) -> None:
        """Update the view from the services' descriptions of the run."""
        self.attempt = len(attempts)
        if description is not None:
            self.training_job = description["TrainingJobName"]
            self.reader = reader_of(description)
            steps = description.get("SecondaryStatusTransitions", [])
            again = [step for step in steps if step["Status"] in ("Interrupted", "Restarting")]
            starts = len(attempts) + len(again)
            if again and "StartTime" in again[-1]:
                self._restarted_at = again[-1]["StartTime"].timestamp()
            elif len(attempts) > 1:
                self._restarted_at = 0.0
            self._is_new_start = self._is_new_start or 0 < self._starts < starts
            self._starts = starts
            status = description.get("SecondaryStatus", description["TrainingJobStatus"])
            self.phase = _PHASES.get(status, status.lower())
            started, ended = description.get("TrainingStartTime"), description.get("TrainingEndTime")
            self.is_spot = bool(description.get("EnableManagedSpotTraining"))
            if started is not None:
                seconds = (ended.timestamp() if ended else time.time()) - started.timestamp()
                self.seconds_by_job[self.training_job] = seconds
            self.hourly_by_job[self.training_job] = _hourly_usd(description, self.region)
            for index in range(instances(description)):
                self.nodes.setdefault(f"algo-{index + 1}", Node())
        if execution != "RUNNING":
            self.phase = execution.lower().replace("_", " ")
        elif description is not None and description["TrainingJobStatus"] in ("Completed", "Failed", "Stopped"):
            self.phase = (
                "closing the books" if description["TrainingJobStatus"] == "Completed" else "deciding what next"
            )

    def hear(self, line: Line) -> None:
        """Update the view from one line of a node."""
        node = self.nodes.setdefault(line.host, Node())
        metrics = line.metrics(self.reader)
        if line.text.startswith(FILES_AT_START_LINE):
            is_empty = line.text.removeprefix(FILES_AT_START_LINE).strip() == "0"
            self._empty_start = (line.at_milliseconds / 1000, line.host) if is_empty else None
        if line.text.startswith(WARNING):
            self.warning = f"{line.host}: {printable(line.text.removeprefix(WARNING))}"
        if not metrics:
            node.line = printable(line.text)
            return
        node.metrics.update(metrics)
        self.not_finite += not math.isfinite(metrics.get("loss", 0.0))
        if "step" in metrics:
            self._time(metrics["step"], line.at_milliseconds / 1000)

    def _time(self, step: float, at: float) -> None:
        """Time the steps since the last line; a resumed run may have gone back."""
        if self._is_new_start:
            self.began_again, self._is_new_start = step, False
        if self._newest is not None and step > self._newest[0]:
            self._paces.append((at - self._newest[1]) / (step - self._newest[0]))
        if self._newest is None or step != self._newest[0]:
            self._newest = (step, at)

    @property
    def began_anew(self) -> str:
        """What is lost, if the last start was not the first and found no checkpoint."""
        if self._restarted_at is None or self._empty_start is None or self._empty_start[0] < self._restarted_at:
            return ""
        if not self._restarted_at:  # whether an attempt before it has trained at all, its description would say
            return f"no checkpoint was there when attempt {self.attempt} started: it begins at step 0"
        return f"no checkpoint was there when {self._empty_start[1]} started again: it begins at step 0"

    @property
    def training_seconds(self) -> float:
        """The training time of all attempts."""
        return sum(self.seconds_by_job.values())

    @property
    def cost_usd(self) -> float | None:
        """The cost so far at the on-demand price; with spot it is less, and known only at the end."""
        costs = [(hourly, self.seconds_by_job.get(name, 0.0)) for name, hourly in self.hourly_by_job.items()]
        known = [hourly * seconds / 3600 for hourly, seconds in costs if hourly is not None]
        return sum(known) if costs and len(known) == len(costs) else None

    @property
    def step(self) -> float:
        """The furthest step of all nodes; 0 before the first."""
        return self._furthest("step")

    @property
    def total_steps(self) -> float:
        """The steps that the run will have; 0 as long as no node has said it."""
        return self._furthest("total_steps")

    def metrics(self) -> dict[str, float]:
        """The newest metrics of the first node that has any."""
        found = (self.nodes[host].metrics for host in sorted(self.nodes, key=in_order))
        return next((metrics for metrics in found if metrics), {})

    def others(self) -> dict[str, float]:
        """The newest metrics that have no column of their own."""
        return {name: value for name, value in self.metrics().items() if name not in _COLUMNS}

    def progress(self) -> tuple[float, float | None] | None:
        """The completed fraction (0 to 1) and the remaining seconds, once steps are known."""
        step, total = self.step, self.total_steps
        if not step or not total:
            return None
        return min(step / total, 1.0), self._seconds_left(total - step)

    def _furthest(self, metric: str) -> float:
        """The largest count that any node reports; a program may print anything in its place."""
        counts = (node.metrics.get(metric, 0.0) for node in self.nodes.values())
        return max((count for count in counts if math.isfinite(count) and count > 0), default=0.0)

    def _seconds_left(self, steps: float) -> float | None:
        """Estimate by the median of the latest paces, which ignores a wait for capacity."""
        if not self._paces or self._newest is None:
            return None
        return max(steps * statistics.median(self._paces) - (time.time() - self._newest[1]), 0.0)


def instances(description: Mapping[str, Any]) -> int:
    """How many nodes a training job has."""
    return sum(count for _, count in _machines(description))


def _machines(description: Mapping[str, Any]) -> list[tuple[str, int]]:
    """The types and numbers of its instances; of several preferences, the service lists its choice first."""
    resources = description["ResourceConfig"]
    groups = resources.get("InstanceGroups") or resources.get("InstancePreferences", [])[:1] or [resources]
    return [(group.get("InstanceType", ""), int(group.get("InstanceCount", 1))) for group in groups]


def _hourly_usd(description: Mapping[str, Any], region: str) -> float | None:
    from shardyard.spec.catalogue import prices

    found = [(prices.hourly_usd(kind, region), count) for kind, count in _machines(description)]
    known = [price.hourly_usd * count for price, count in found if price is not None]
    return sum(known) if len(known) == len(found) else None


def in_order(host: str) -> tuple[int, str]:
    """algo-2 before algo-10."""
    return len(host), host
