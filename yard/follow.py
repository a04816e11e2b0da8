"""Following a run: one picture of the phase, the nodes, the progress and the cost, drawn again as things change."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shardyard.spec.units import format_duration
from yard import runs
from yard.aws import Aws
from yard.errors import Exit
from yard.logs import Line, Tail
from yard.output import console, is_terminal, say

if TYPE_CHECKING:
    from rich.console import Group

POLL_SECONDS = 1.0

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
    """What one node last said."""

    metrics: dict[str, float] = field(default_factory=dict)
    line: str = ""


@dataclass
class View:
    """All that the picture shows; filled by `observe` and `hear`, without any drawing."""

    job: str
    run_id: str
    hourly_usd: float | None
    """Price of all instances for an hour, or None where it is not known."""
    phase: str = "checking before launch"
    training_job: str = ""
    attempt: int = 0
    nodes: dict[str, Node] = field(default_factory=dict)
    training_seconds: float = 0.0
    _first_step: tuple[float, float] | None = None

    def observe(self, attempts: list[dict[str, Any]], description: dict[str, Any] | None, execution: str) -> None:
        """Take in what the services say about the run."""
        self.attempt = len(attempts)
        if description is not None:
            self.training_job = description["TrainingJobName"]
            status = description.get("SecondaryStatus", description["TrainingJobStatus"])
            self.phase = _PHASES.get(status, status.lower())
            started, ended = description.get("TrainingStartTime"), description.get("TrainingEndTime")
            if started is not None:
                self.training_seconds = (ended.timestamp() if ended else time.time()) - started.timestamp()
            for index in range(_instances(description)):
                self.nodes.setdefault(f"algo-{index + 1}", Node())
        if execution != "RUNNING":
            self.phase = execution.lower().replace("_", " ")
        elif description is not None and description["TrainingJobStatus"] in ("Completed", "Failed", "Stopped"):
            self.phase = (
                "closing the books" if description["TrainingJobStatus"] == "Completed" else "deciding what next"
            )

    def hear(self, line: Line) -> None:
        """Take in one line of a node."""
        node = self.nodes.setdefault(line.host, Node())
        metrics = line.metrics()
        if not metrics:
            node.line = line.text
            return
        node.metrics.update(metrics)
        if "step" in metrics and self._first_step is None:
            self._first_step = (metrics["step"], line.at_milliseconds / 1000)

    @property
    def cost_usd(self) -> float | None:
        """What the run has cost so far, at the on-demand price."""
        return None if self.hourly_usd is None else self.hourly_usd * self.training_seconds / 3600

    def progress(self) -> tuple[float, float | None] | None:
        """The done part (0 to 1) and the seconds to go, once the steps tell."""
        step = max((node.metrics.get("step", 0.0) for node in self.nodes.values()), default=0.0)
        total = max((node.metrics.get("total_steps", 0.0) for node in self.nodes.values()), default=0.0)
        if not step or not total:
            return None
        first_step, first_at = self._first_step or (step, time.time())
        made, spent = step - first_step, time.time() - first_at
        return min(step / total, 1.0), (total - step) * spent / made if made > 0 else None


def _instances(description: dict[str, Any]) -> int:
    resources = description["ResourceConfig"]
    groups = resources.get("InstanceGroups") or []
    return sum(group["InstanceCount"] for group in groups) or int(resources.get("InstanceCount", 1))


def picture(view: View) -> "Group":
    """The view as rich draws it."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    head = f"{view.job}  run {view.run_id}  {view.phase}  {format_duration(view.training_seconds)}"
    if view.attempt > 1:
        head += f"  attempt {view.attempt}"
    if view.cost_usd is not None:
        head += f"  {view.cost_usd:.2f} USD so far"
    progress = view.progress()
    if progress is not None:
        done, left = progress
        bar = "#" * round(done * 30)
        head += f"\n[{bar:<30}] {done:4.0%}" + (f"  {format_duration(left)} to go" if left is not None else "")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("node", "step", "loss", "per second", "last line"):
        table.add_column(column, no_wrap=True, overflow="ellipsis")
    for host in sorted(view.nodes, key=lambda name: (len(name), name)):
        table.add_row(host, *_cells(view.nodes[host]))
    return Group(Text(head), table)


def _cells(node: Node) -> tuple[str, str, str, str]:
    metrics = node.metrics
    rate = metrics.get("tokens_per_second", metrics.get("samples_per_second"))
    return (
        f"{metrics['step']:.0f}" if "step" in metrics else "-",
        f"{metrics['loss']:.4f}" if "loss" in metrics else "-",
        f"{rate:,.0f}" if rate is not None else "-",
        node.line[:80],
    )


def follow(aws: Aws, run: runs.Run, *, hourly_usd: float | None) -> runs.Run:
    """Show a run until it ends; return it as it ended. In a pipe, print the nodes' lines instead of the picture."""
    view = View(job=run.job, run_id=run.run_id, hourly_usd=hourly_usd)
    tail = Tail(aws, run.run_id)
    if not is_terminal():
        return _watch(aws, run, view, tail, on_line=lambda line: print(f"{line.host}  {line.text}", flush=True))
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
    phase = ""
    while True:
        run, _ = runs.refresh(aws, run)
        attempts = runs.attempts(aws, run)
        description = None
        if attempts:
            name = attempts[-1]["TrainingJobName"]
            description = aws.client("sagemaker").describe_training_job(TrainingJobName=name)
        view.observe(attempts, description, run.status)
        for line in tail.lines([attempt["TrainingJobName"] for attempt in attempts[-2:]]):
            view.hear(line)
            if on_line is not None:
                on_line(line)
        if on_look is not None:
            on_look()
        elif view.phase != phase:
            phase = view.phase
            say(f"-- {phase}")
        if run.status != "RUNNING":
            return run
        time.sleep(POLL_SECONDS)


def exit_code(status: str) -> Exit:
    """The exit code for the way an execution ended."""
    return {"SUCCEEDED": Exit.OK, "ABORTED": Exit.JOB_STOPPED, "RUNNING": Exit.OK}.get(status, Exit.JOB_FAILED)
