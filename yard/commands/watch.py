"""yard logs, status, stop: watch a run, and stop it."""

import re
import time
from collections.abc import Mapping
from typing import Any

import typer

from shardyard.spec.units import format_duration, parse_duration
from yard.aws import Aws
from yard.commands.complete import complete_jobs
from yard.errors import Exit, NotDeployedError, UserError
from yard.launches import launching
from yard.output import confirm, emit_facts, emit_json, emit_json_line, emit_rows, say, show
from yard.project import find_project
from yard.runs import runs
from yard.runs.logs import Line, Tail, now_milliseconds

_LOOK_SECONDS = 1.0
_RECENT_MILLISECONDS = 15 * 60_000
"""How far back `yard status` looks for a report."""


def logs(
    run: str = typer.Argument(help="A job's name (its newest run) or a run id.", autocompletion=complete_jobs),
    node: int | None = typer.Option(None, "--node", help="Only this node: 2 is algo-2.", min=1, metavar="N"),
    follow: bool = typer.Option(False, "--follow", "-f", help="Follow until the run ends."),
    since: str | None = typer.Option(None, "--since", help="Only lines of the last 90s, 10m, 2h.", metavar="TIME"),
    grep: str | None = typer.Option(None, "--grep", help="Only lines that match this regular expression.", metavar="X"),
    as_json: bool = typer.Option(False, "--json", help="One JSON object per line."),
) -> None:
    """Print the logs of a run's nodes.

    All attempts of the run, oldest line first. The exit code does not tell how the run ended: see `yard status`.

    \b
      yard logs mnist-ddp --follow
      yard logs 20261121-073000-a1b2 --node 2 --since 10m --grep loss
    """
    aws = Aws(find_project())
    found = runs.find(aws, run)
    wanted = _pattern(grep)
    start = _start(since, now_milliseconds=now_milliseconds())
    tail, printed = Tail(aws, found.run_id, node=node, since_milliseconds=start), 0
    while True:
        found, _ = runs.refresh(aws, found)
        for line in tail.lines([attempt["TrainingJobName"] for attempt in runs.attempts(aws, found)]):
            if wanted is None or wanted.search(line.text):
                _print_line(line, as_json)
                printed += 1
        if not follow or found.status != "RUNNING":
            break
        time.sleep(_LOOK_SECONDS)
    if not printed and node is not None:
        _refuse_a_node_that_is_not_there(aws, found, node)
    if not printed:
        say(f"No matching line in the run {found.run_id} of {found.job}, which is {found.status.lower()}.")


def status(
    run: str | None = typer.Argument(
        None, help="A job's name or a run id; by default every job's newest run.", autocompletion=complete_jobs
    ),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Show the status of a run, or of every job.

    \b
      yard status
      yard status mnist-ddp --json
    """
    aws = Aws(find_project())
    if run is not None:
        emit_facts(_facts(aws, runs.find(aws, run)), as_json=as_json)
        return
    jobs = [job.name for job in aws.project.jobs()]
    gone = list(runs.runs_of_others(aws, jobs, running=True))
    rows = [*(_newest(aws, job) for job in jobs), *map(_row, gone)]
    emit_rows(rows, ("job", "status", "run", "started", "took"), as_json=as_json, empty="There are no jobs in jobs/.")
    for one in gone:
        say(f"The run {one.run_id} goes on, and no file of jobs/ defines {one.job}. Stop it: yard stop {one.run_id}")


def stop(
    run: str = typer.Argument(help="A job's name (its newest run) or a run id.", autocompletion=complete_jobs),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Stop a run and its training job.

    A job with checkpoints saves one last time, and `yard resume` resumes from there.

    \b
      yard stop mnist-ddp
      yard stop 20261121-073000-a1b2 --yes
    """
    aws = Aws(find_project())
    found = runs.find(aws, run)
    if found.status != "RUNNING":
        raise UserError(f"The run {found.run_id} of {found.job} is not running; it {runs.ended(found)}.")
    if not yes and not confirm(f"Stop the run {found.run_id} of {found.job}?"):
        raise UserError("Nothing was stopped.")
    launching.stop(aws, found)
    if as_json:
        emit_json({"run": found.run_id, "job": found.job, "execution": found.execution_arn, "stopped": True})


def _facts(aws: Aws, run: runs.Run) -> dict[str, Any]:
    run, execution = runs.refresh(aws, run)
    attempts = runs.attempts(aws, run)
    status = run.status.lower()
    facts: dict[str, Any] = {"job": run.job, "run": run.run_id, "status": status, "started": run.started}
    facts["stopped"] = run.stopped
    facts["attempts"] = len(attempts)
    if attempts:
        name = attempts[-1]["TrainingJobName"]
        training = aws.client("sagemaker").describe_training_job(TrainingJobName=name)
        facts |= {
            "training_job": name,
            "phase": training.get("SecondaryStatus"),
            "training_seconds": training.get("TrainingTimeInSeconds"),
            "billable_seconds": training.get("BillableTimeInSeconds"),
            **_progress(aws, run, attempts, training),
        }
    if run.status not in ("RUNNING", "SUCCEEDED"):
        facts["error"], facts["cause"] = execution.get("error"), execution.get("cause")
    failure = training.get("FailureReason") if attempts else None
    return facts if failure is None or failure in (facts.get("cause") or "") else {**facts, "failure": failure}


def _progress(aws: Aws, run: runs.Run, attempts: list[dict[str, Any]], training: Mapping[str, Any]) -> dict[str, Any]:
    """Where a running run is, from its latest lines; of one that has ended, its last metrics."""
    if run.status != "RUNNING":
        return {one["MetricName"]: one["Value"] for one in training.get("FinalMetricDataList", [])}
    from yard.runs.view import View

    view = View(job=run.job, run_id=run.run_id, region=aws.region)
    view.observe(attempts, dict(training), run.status)
    tail = Tail(aws, run.run_id, since_milliseconds=now_milliseconds() - _RECENT_MILLISECONDS)
    for line in tail.lines([training["TrainingJobName"]]):
        view.hear(line)
    metrics = view.metrics()
    progress = view.progress()
    left = None if progress is None or progress[1] is None else format_duration(progress[1])
    cost = {} if view.cost_usd is None else {"usd_so_far_at_most": round(view.cost_usd, 4)}
    return {**metrics, "to_go": left, **cost}


def _newest(aws: Aws, job: str) -> dict[str, Any]:
    nothing = {"job": job, "run": None, "started": None, "took": None}
    try:
        run = next(runs.executions(aws, job), None)
    except NotDeployedError:
        return {**nothing, "status": "not deployed"}
    if run is None:
        return {**nothing, "status": "never launched"}
    return _row(run)


def _row(run: runs.Run) -> dict[str, Any]:
    took = format_duration((run.stopped - run.started).total_seconds()) if run.stopped else None
    return {
        "job": run.job,
        "status": run.status.lower(),
        "run": run.run_id,
        "started": run.started,
        "took": took,
    }


def _refuse_a_node_that_is_not_there(aws: Aws, run: runs.Run, node: int) -> None:
    from yard.runs.view import instances

    names = [attempt["TrainingJobName"] for attempt in runs.attempts(aws, run)]
    described = [aws.client("sagemaker").describe_training_job(TrainingJobName=name) for name in names]
    count = max(map(instances, described), default=0)
    if described and node > count:
        raise UserError(f"The run {run.run_id} has {count} node{'' if count == 1 else 's'}, and no node {node}.")


def _pattern(grep: str | None) -> re.Pattern[str] | None:
    try:
        return None if grep is None else re.compile(grep)
    except (re.error, OverflowError, RecursionError) as error:
        raise UserError(f"--grep {grep!r} is not a regular expression: {error}.", code=Exit.USAGE) from None


def _start(since: str | None, *, now_milliseconds: int) -> int:
    """From when on lines are wanted; before 1970 there are none, and CloudWatch refuses the question."""
    if since is None:
        return 0
    try:
        return max(now_milliseconds - parse_duration(since) * 1000, 0)
    except ValueError as error:
        raise UserError(f"--since {error}.", code=Exit.USAGE) from None


def _print_line(line: Line, as_json: bool) -> None:
    if as_json:
        emit_json_line({"at": line.at_milliseconds, "host": line.host, "text": line.text})
    else:
        show(f"{line.host}  {line.text}")


def register(app: typer.Typer) -> None:
    """Put these commands on the app."""
    app.command()(logs)
    app.command()(status)
    app.command()(stop)
