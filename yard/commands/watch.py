"""yard logs, status, stop: watch a run, and stop it."""

import re
import time
from collections.abc import Mapping
from typing import Any

import typer

from shardyard.spec.catalogue.service_jobs import AUTOML, TRAINING, TUNING
from shardyard.spec.units import format_duration, parse_duration
from yard.aws import Aws
from yard.commands.complete import complete_jobs
from yard.errors import Exit, NotDeployedError, UserError
from yard.launches import launching
from yard.output import confirm, emit_facts, emit_json, emit_json_line, emit_rows, say, show
from yard.project import find_project
from yard.runs import jobs, runs, sources
from yard.runs.logs import Line, Tail, now_milliseconds
from yard.runs.sources import Source, Tails
from yard.tuning import searches
from yard.tuning.trials import read_search

_LOOK_SECONDS = 1.0
_RECENT_MILLISECONDS = 15 * 60_000
"""How far back `yard status` looks for a report."""


def logs(
    run: str = typer.Argument(help="A job's name (its newest run) or a run id.", autocompletion=complete_jobs),
    node: int | None = typer.Option(None, "--node", help="Only this node: 2 is algo-2.", min=1, metavar="N"),
    trial: int | None = typer.Option(None, "--trial", help="Only this trial of a search.", min=1, metavar="N"),
    follow: bool = typer.Option(False, "--follow", "-f", help="Follow until the run ends."),
    since: str | None = typer.Option(None, "--since", help="Only lines of the last 90s, 10m, 2h.", metavar="TIME"),
    grep: str | None = typer.Option(None, "--grep", help="Only lines that match this regular expression.", metavar="X"),
    as_json: bool = typer.Option(False, "--json", help="One JSON object per line."),
) -> None:
    """Print the logs of a run's nodes, of trials or of candidates.

    All attempts of the run, all trials of a search or all candidates of an AutoML job, oldest line first. The exit code
    does not tell how the run ended: see `yard status`.

    \b
      yard logs mnist-ddp --follow
      yard logs 20261121-073000-a1b2 --node 2 --since 10m --grep loss
      yard logs mnist-tune --trial 3
    """
    aws = Aws(find_project())
    found = searches.find_any(aws, run)
    if trial is not None and found.of is not TUNING:
        raise UserError(f"The run {found.run_id} of {found.job} is no search, and has no trials.")
    wanted = _pattern(grep)
    start = _start(since, now_milliseconds=now_milliseconds())
    tails, printed = Tails(aws=aws, run_id=found.run_id, node=node, since_milliseconds=start), 0
    while True:
        found, _ = runs.refresh(aws, found)
        jobs_of_it = _trials(aws, found, trial) if found.of is TUNING else sources.of_run(aws, found)
        for line, source in tails.lines(jobs_of_it):
            if wanted is None or wanted.search(line.text):
                _print_line(line, source, as_json)
                printed += 1
        if not follow or found.status != "RUNNING":
            break
        time.sleep(_LOOK_SECONDS)
    if not printed and node is not None and found.of not in (AUTOML, TUNING):
        _refuse_a_node_that_is_not_there(aws, found, node)
    if not printed:
        say(f"No matching line in the run {found.run_id} of {found.job}, which is {found.status.lower()}.")


def status(
    run: str | None = typer.Argument(
        None, help="A job's name or a run id; by default every job's newest run.", autocompletion=complete_jobs
    ),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Show the status of a run or a search, or of every job.

    \b
      yard status
      yard status mnist-ddp --json
    """
    aws = Aws(find_project())
    if run is not None:
        found = searches.find_any(aws, run)
        emit_facts((_search_facts if found.of is TUNING else _facts)(aws, found), as_json=as_json)
        return
    known = [job.name for job in aws.project.jobs()]
    gone = list(runs.runs_of_others(aws, known, running=True))
    rows = [row for job in known for row in _newest_of_both(aws, job)] + [_row(one) for one in gone]
    if not as_json:
        rows = [{**row, "job": searches.told_name(row["job"], row["kind"])} for row in rows]
    emit_rows(rows, ("job", "status", "run", "started", "took"), as_json=as_json, empty="There are no jobs in jobs/.")
    for one in gone:
        say(f"The run {one.run_id} goes on, and no file of jobs/ defines {one.job}. Stop it: yard stop {one.run_id}")


def stop(
    run: str = typer.Argument(help="A job's name (its newest run) or a run id.", autocompletion=complete_jobs),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Stop a run and its job, or a search and its trials.

    A job with checkpoints saves one last time, and `yard resume` resumes from there.

    \b
      yard stop mnist-ddp
      yard stop 20261121-073000-a1b2 --yes
    """
    aws = Aws(find_project())
    found = searches.find_any(aws, run)
    if found.status != "RUNNING":
        raise UserError(f"The run {found.run_id} of {found.job} is not running; it {runs.ended(found)}.")
    if not yes and not confirm(f"Stop the {'search' if found.of is TUNING else 'run'} {found.run_id} of {found.job}?"):
        raise UserError("Nothing was stopped.")
    (searches if found.of is TUNING else launching).stop(aws, found)
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
        name, of = attempts[-1]["TrainingJobName"], run.of
        training = jobs.describe(aws, run, name)
        facts |= {
            f"{of.kind}_job": name,
            "phase": training.get("SecondaryStatus") if of is TRAINING else training[of.status_field],
            of.seconds_key: training.get("TrainingTimeInSeconds"),
            "billable_seconds": training.get("BillableTimeInSeconds"),
            **_progress(aws, run, attempts, training),
        }
    if run.status not in ("RUNNING", "SUCCEEDED"):
        facts["error"], facts["cause"] = execution.get("error"), execution.get("cause")
    if attempts and training.get("ExitMessage"):
        facts["exit_message"] = training["ExitMessage"]
    failure = training.get("FailureReason") if attempts else None
    return facts if failure is None or failure in (facts.get("cause") or "") else {**facts, "failure": failure}


def _search_facts(aws: Aws, run: runs.Run) -> dict[str, Any]:
    run, execution = runs.refresh(aws, run)
    search = read_search(aws, searches.tuning_job(aws, run))
    facts: dict[str, Any] = {"job": run.job, "search": run.run_id, "status": run.status.lower(), "started": run.started}
    facts |= {"stopped": run.stopped, "tuning_job": searches.tuning_job(aws, run)}
    if search is not None:
        best = search.ended[0] if search.ended else None
        facts |= {
            "phase": search.status,
            "trials": len(search.trials),
            "of": search.max_jobs,
            "running": search.running,
            f"best_{search.metric}": None if best is None else best.objective,
            "best_trial": None if best is None else best.name,
        }
    if run.status not in ("RUNNING", "SUCCEEDED"):
        facts["error"], facts["cause"] = execution.get("error"), execution.get("cause")
    if search is not None and search.reason:
        facts["failure"] = search.reason
    return facts


def _progress(aws: Aws, run: runs.Run, attempts: list[dict[str, Any]], training: Mapping[str, Any]) -> dict[str, Any]:
    """Where a running run is, from its latest lines; of one that has ended, its last metrics."""
    if run.status != "RUNNING":
        return {one["MetricName"]: one["Value"] for one in training.get("FinalMetricDataList", [])}
    from yard.runs.view import View

    view = View(job=run.job, run_id=run.run_id, region=aws.region)
    view.observe(attempts, dict(training), run.status)
    recent = now_milliseconds() - _RECENT_MILLISECONDS
    tail = Tail(aws, run.run_id, since_milliseconds=recent, log_group=run.of.log_group)
    for line in tail.lines([training["TrainingJobName"]]):
        view.hear(line)
    metrics = view.metrics()
    progress = view.progress()
    left = None if progress is None or progress[1] is None else format_duration(progress[1])
    cost = {} if view.cost_usd is None else {"usd_so_far_at_most": round(view.cost_usd, 4)}
    said = "; ".join(text for text in (view.began_anew, view.warning) if text)
    warning = {"warning": said} if said else {}
    return {**metrics, "to_go": left, **cost, **warning}


def _newest_of_both(aws: Aws, job: str) -> list[dict[str, Any]]:
    """A row for the job's newest run, and one for its newest search where it has been searched."""
    search = next(searches.of_project(aws, [job], 1), None)
    return [_newest(aws, job), *([] if search is None else [_row(search)])]


def _newest(aws: Aws, job: str) -> dict[str, Any]:
    nothing = {"job": job, "kind": aws.project.kind(job), "run": None, "started": None, "took": None}
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
        "kind": run.kind,
        "status": run.status.lower(),
        "run": run.run_id,
        "started": run.started,
        "took": took,
    }


def _attempts(aws: Aws, run: runs.Run) -> list[str]:
    return [attempt["TrainingJobName"] for attempt in runs.attempts(aws, run)]


def _trials(aws: Aws, run: runs.Run, only: int | None) -> list[Source]:
    """Each trial that has begun, or one of them."""
    search = read_search(aws, searches.tuning_job(aws, run))
    trials = [] if search is None else search.trials
    return [
        Source(of=TRAINING, name=one.name, part="trial", number=one.number)
        for one in trials
        if only in (None, one.number)
    ]


def _refuse_a_node_that_is_not_there(aws: Aws, run: runs.Run, node: int) -> None:
    from yard.runs.view import instances

    described = [jobs.describe(aws, run, name) for name in _attempts(aws, run)]
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


def _print_line(line: Line, source: Source, as_json: bool) -> None:
    part = source.part
    if as_json:
        of_part = {} if part is None else {part: source.number, f"{source.of.kind}_job": source.name}
        emit_json_line({"at": line.at_milliseconds, **of_part, "host": line.host, "text": line.text})
    else:
        show(f"{'' if part is None else f'{part} {source.number} '}{line.host}  {line.text}")


def register(app: typer.Typer) -> None:
    """Put these commands on the app."""
    app.command()(logs)
    app.command()(status)
    app.command()(stop)
