"""Following a run: phase, nodes, progress and cost on one screen, redrawn as they change."""

import itertools
import sys
import time
from collections.abc import Callable
from typing import TextIO

from yard.aws import Aws
from yard.errors import Exit
from yard.output import console, is_terminal, say, show
from yard.runs import jobs, runs
from yard.runs.logs import LOG_GROUP, Line, Tail
from yard.runs.view import View

POLL_SECONDS = 1.0
"""How often to read the nodes' logs and redraw the screen."""
ASK_EVERY = 2
"""Ask the services for the run's status every so many polls: they allow few calls per second."""
MEASURE_EVERY = 10
"""Ask CloudWatch for the nodes' utilisation every so many polls: it changes once per minute."""

_UTILISATION = ("CPUUtilization", "GPUUtilization")
_MOST_MEASURED = 200
"""One call takes 500 metrics."""


def follow(aws: Aws, run: runs.Run, *, out: TextIO | None = None) -> runs.Run:
    """Show a run until it ends, and return it. In a pipe, or with `out`, write the nodes' lines instead of drawing."""
    view = View(job=run.job, run_id=run.run_id, region=aws.region)
    tail = Tail(aws, run.run_id, log_group=run.of.log_group)
    if out is not None or not is_terminal():
        stream = sys.stdout if out is None else out
        return _watch(aws, run, view, tail, on_line=lambda line: show(f"{line.host}  {line.text}", stream))
    from rich.live import Live

    from yard.runs.picture import Picture

    with Live(console=console(), auto_refresh=False, transient=False) as live:

        def draw() -> None:
            live.update(Picture(view), refresh=True)

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
                measure(aws, view, run.of.log_group)
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
    description = jobs.describe(aws, run, names[-1]) if names else None
    view.observe(attempts, description, run.status)
    return run, names


def measure(aws: Aws, view: View, namespace: str = LOG_GROUP) -> None:
    """Read the nodes' newest utilisation from CloudWatch."""
    hosts = sorted(view.nodes)[:_MOST_MEASURED]
    queries = [
        {
            "Id": f"m{number}x{index}",
            "MetricStat": {
                "Metric": {
                    "Namespace": namespace,
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
