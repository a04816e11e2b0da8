"""Following a run: phase, nodes, progress and cost on one screen, redrawn as they change."""

import itertools
import math
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from shardyard.spec.jobs.log_metrics import LogMetrics
from shardyard.spec.units import format_duration
from yard.aws import Aws
from yard.errors import Exit
from yard.output import console, is_terminal, printable, say
from yard.runs import runs
from yard.runs.logs import Line, Tail, reader_of

if TYPE_CHECKING:
    from rich.console import Group

POLL_SECONDS = 1.0
"""How often to read the nodes' logs and redraw the screen."""
ASK_EVERY = 2
"""Ask the services for the run's status every so many polls: they allow few calls per second."""
MEASURE_EVERY = 10
"""Ask CloudWatch for the nodes' utilisation every so many polls: it changes once per minute."""

_UTILISATION = ("CPUUtilization", "GPUUtilization")
_PACES = 25
"""Estimate the remaining time from the pace of this many lines."""
_COLUMNS = ("step", "total_steps", "loss", "tokens_per_second", "samples_per_second")
"""Metrics that the view shows in places of their own."""
_MOST_MEASURED = 200
"""One call takes 500 metrics."""

_PHASES = {
    "Starting": "starting",
    "Pending": "waiting for capacity",
    "LaunchingMLInstances": "waiting for capacity",
    "PreparingTrainingStack": "preparing the nodes",
    "Downloading": "downloading",
    "DownloadingTrainingImage": "downloading the image",
    "Training": "training",
    "Uploading": "uploading",
    "Interrupted": "interrupted, waiting for capacity",
    "Restarting": "restarting",
    "Stopping": "stopping",
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
    hourly_usd: float | None
    """Hourly price of all instances, or None if it is unknown."""
    phase: str = "checking before launch"
    training_job: str = ""
    attempt: int = 0
    nodes: dict[str, Node] = field(default_factory=dict)
    seconds_by_job: dict[str, float] = field(default_factory=dict)
    """The training seconds of each attempt; all of them are billed."""
    is_spot: bool = False
    reader: LogMetrics = field(default_factory=LogMetrics)
    """Reads the nodes' lines, with the job's own metrics."""
    not_finite: int = 0
    """How many lines had a loss that is nan or infinite."""
    began_again: float | None = None
    """The first step after the last interruption or restart."""
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
            starts = len(attempts) + sum(
                step["Status"] in ("Interrupted", "Restarting")
                for step in description.get("SecondaryStatusTransitions", [])
            )
            self._is_new_start = self._is_new_start or 0 < self._starts < starts
            self._starts = starts
            status = description.get("SecondaryStatus", description["TrainingJobStatus"])
            self.phase = _PHASES.get(status, status.lower())
            started, ended = description.get("TrainingStartTime"), description.get("TrainingEndTime")
            self.is_spot = bool(description.get("EnableManagedSpotTraining"))
            if started is not None:
                seconds = (ended.timestamp() if ended else time.time()) - started.timestamp()
                self.seconds_by_job[self.training_job] = seconds
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
    def training_seconds(self) -> float:
        """The training time of all attempts."""
        return sum(self.seconds_by_job.values())

    @property
    def cost_usd(self) -> float | None:
        """The cost so far at the on-demand price; with spot it is less, and known only at the end."""
        return None if self.hourly_usd is None else self.hourly_usd * self.training_seconds / 3600

    @property
    def step(self) -> float:
        """The furthest step of all nodes; 0 before the first."""
        return max((node.metrics.get("step", 0.0) for node in self.nodes.values()), default=0.0)

    def metrics(self) -> dict[str, float]:
        """The newest metrics of the first node that has any."""
        found = (self.nodes[host].metrics for host in sorted(self.nodes, key=_in_order))
        return next((metrics for metrics in found if metrics), {})

    def others(self) -> dict[str, float]:
        """The newest metrics that have no column of their own."""
        return {name: value for name, value in self.metrics().items() if name not in _COLUMNS}

    def progress(self) -> tuple[float, float | None] | None:
        """The completed fraction (0 to 1) and the remaining seconds, once steps are known."""
        step = self.step
        total = max((node.metrics.get("total_steps", 0.0) for node in self.nodes.values()), default=0.0)
        if not step or not total:
            return None
        return min(step / total, 1.0), self._seconds_left(total - step)

    def _seconds_left(self, steps: float) -> float | None:
        """Estimate by the median of the latest paces, which ignores a wait for capacity."""
        if not self._paces or self._newest is None:
            return None
        return max(steps * statistics.median(self._paces) - (time.time() - self._newest[1]), 0.0)


def instances(description: Mapping[str, Any]) -> int:
    """How many nodes a training job has."""
    resources = description["ResourceConfig"]
    groups = resources.get("InstanceGroups", [])
    return sum(group["InstanceCount"] for group in groups) if groups else int(resources.get("InstanceCount", 1))


def picture(view: View) -> "Group":
    """The view as a rich renderable."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    head = f"{view.job}  run {view.run_id}  {view.phase}  {format_duration(view.training_seconds)}"
    if view.attempt > 1:
        head += f"  attempt {view.attempt}"
    if view.cost_usd is not None:
        head += f"  {'at most ' if view.is_spot else ''}{view.cost_usd:.2f} USD so far"
    progress = view.progress()
    if progress is not None:
        done, left = progress
        bar = "#" * round(done * 30)
        head += f"\n[{bar:<30}] {done:4.0%}"
        if left is not None and view.phase == _PHASES["Training"]:
            head += f"  {format_duration(left)} to go"
    if view.began_again is not None:
        head += f"\nbegan again at step {view.began_again:.0f}"
    others = view.others()
    if others:
        head += "\n" + "  ".join(f"{name} {value:.5g}" for name, value in others.items())
    if view.not_finite:
        head += f"\nthe loss was nan or infinite {view.not_finite} time{'' if view.not_finite == 1 else 's'}"
    names = ("node", "step", "loss", "per second", "cpu", "gpu", "last line")
    rows = [(host, *_cells(view.nodes[host])) for host in sorted(view.nodes, key=_in_order)]
    # Only the last line gives way to a narrow window, and a column without any value to all others
    shown = [n for n in range(len(names)) if n in (0, len(names) - 1) or any(row[n] != "-" for row in rows)]
    table = Table(box=None, pad_edge=False, header_style="bold", expand=True)
    for number in shown:
        is_last = number == len(names) - 1
        table.add_column(names[number], no_wrap=True, overflow="ellipsis", ratio=1 if is_last else None)
    for row in rows:
        table.add_row(*(Text(row[number]) for number in shown))
    return Group(Text(head), table)


def _in_order(host: str) -> tuple[int, str]:
    """algo-2 before algo-10."""
    return len(host), host


def _cells(node: Node) -> tuple[str, ...]:
    metrics = node.metrics
    rate = metrics.get("tokens_per_second", metrics.get("samples_per_second"))
    return (
        f"{metrics['step']:.0f}" if "step" in metrics else "-",
        f"{metrics['loss']:.4f}" if "loss" in metrics else "-",
        f"{rate:,.0f}" if rate is not None else "-",
        _percent(node, "CPUUtilization"),
        _percent(node, "GPUUtilization"),
        node.line,
    )


def _percent(node: Node, name: str) -> str:
    return f"{node.utilisation[name]:.0f}%" if name in node.utilisation else "-"


def follow(aws: Aws, run: runs.Run, *, hourly_usd: float | None, out: TextIO | None = None) -> runs.Run:
    """Show a run until it ends, and return it. In a pipe, or with `out`, write the nodes' lines instead of drawing."""
    view = View(job=run.job, run_id=run.run_id, hourly_usd=hourly_usd)
    tail = Tail(aws, run.run_id)
    if out is not None or not is_terminal():
        stream = sys.stdout if out is None else out
        return _watch(
            aws, run, view, tail, on_line=lambda line: print(f"{line.host}  {line.text}", file=stream, flush=True)
        )
    from rich.live import Live

    with Live(console=console(stderr=True), auto_refresh=False, transient=False) as live:

        def draw() -> None:
            live.update(picture(view), refresh=True)

        return _watch(aws, run, view, tail, on_look=draw)


def _watch(
    aws: Aws,
    run: runs.Run,
    view: View,
    tail: Tail,
    *,
    on_line: Callable[[Line], None] | None = None,
    on_look: Callable[[], None] | None = None,
) -> runs.Run:
    phase, names = "", list[str]()
    for look in itertools.count():
        if look % ASK_EVERY == 0:
            run, names = ask(aws, run, view)
        for line in tail.lines(names[-2:]):
            view.hear(line)
            if on_line is not None:
                on_line(line)
        if on_look is not None:
            if look % MEASURE_EVERY == MEASURE_EVERY // 2 and view.training_job:
                measure(aws, view)
            on_look()
        elif view.phase != phase:
            phase = view.phase
            say(f"-- {phase}")
        if run.status != "RUNNING":
            break
        time.sleep(POLL_SECONDS)
    return run


def ask(aws: Aws, run: runs.Run, view: View) -> tuple[runs.Run, list[str]]:
    """Update the view from the run's status; return the run and the names of its training jobs."""
    run, _ = runs.refresh(aws, run)
    attempts = runs.attempts(aws, run)
    names = [attempt["TrainingJobName"] for attempt in attempts]
    description = aws.client("sagemaker").describe_training_job(TrainingJobName=names[-1]) if names else None
    view.observe(attempts, description, run.status)
    return run, names


def measure(aws: Aws, view: View) -> None:
    """Read the nodes' newest utilisation from CloudWatch."""
    hosts = sorted(view.nodes)[:_MOST_MEASURED]
    queries = [
        {
            "Id": f"m{number}x{index}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "/aws/sagemaker/TrainingJobs",
                    "MetricName": metric,
                    "Dimensions": [{"Name": "Host", "Value": f"{view.training_job}/{host}"}],
                },
                "Period": 60,
                "Stat": "Average",
            },
        }
        for number, host in enumerate(hosts)
        for index, metric in enumerate(_UTILISATION)
    ]
    now = time.time()
    answer = aws.client("cloudwatch").get_metric_data(
        MetricDataQueries=queries, StartTime=now - 300, EndTime=now + 60, ScanBy="TimestampDescending"
    )
    for result in answer["MetricDataResults"]:
        number, _, index = result["Id"].removeprefix("m").partition("x")
        if result["Values"]:
            view.nodes[hosts[int(number)]].utilisation[_UTILISATION[int(index)]] = result["Values"][0]


def exit_code(status: str) -> Exit:
    """The exit code for the way an execution ended."""
    return {"SUCCEEDED": Exit.OK, "ABORTED": Exit.JOB_STOPPED, "RUNNING": Exit.OK}.get(status, Exit.JOB_FAILED)
