"""yard tune: search a job's hyperparameters and watch the trials."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from yard.aws import Aws
from yard.commands.complete import complete_jobs
from yard.errors import Exit, UserError, writing
from yard.launches import launching
from yard.output import confirm, emit_facts, emit_json, emit_rows, is_terminal, say
from yard.override_options import with_override_options
from yard.project import find_project
from yard.runs import runs
from yard.tuning import searches
from yard.tuning.plan import as_facts, plan_as_json

if TYPE_CHECKING:
    from yard.plan import LaunchPlan
    from yard.tuning.trials import Search

_FOLLOW = typer.Option(None, "--follow/--no-follow", "-f", help="Follow it to its end; the default at a terminal.")


def tune(
    job: str = typer.Argument(help="A job of jobs/ with [tuning].", autocompletion=complete_jobs),
    run: str | None = typer.Option(None, "--run", help="Show this search (or latest); begins none.", metavar="RUN"),
    history: bool = typer.Option(False, "--history", help="List the job's searches; begins none."),
    stop: bool = typer.Option(False, "--stop", help="Stop the newest search, or that of --run."),
    plot: Path | None = typer.Option(None, "--plot", help="Draw the search into this HTML file.", metavar="FILE"),
    follow: bool | None = _FOLLOW,
    dry_run: bool = typer.Option(False, "--dry-run", help="Show the plan and its worst case, and stop."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask."),
    as_json: bool = typer.Option(False, "--json", help="Print the plan, the search and its trials as JSON."),
    *,
    overrides: dict[str, Any],
) -> None:
    """Search a job's best hyperparameters and watch the trials.

    Shows the plan and what all trials together cost at most, asks, and starts the search's state machine. The table of
    trials is live; in a pipe each trial that has ended is a line. A search whose first trial does not print the
    objective is ended. Exit codes: 0 begun, or with --follow found; 3 it failed or was refused; 4 it was stopped;
    130 left with Ctrl-C.

    \b
      yard tune mnist-tune --dry-run
      yard tune mnist-tune --yes --follow --plot search.html
      yard tune mnist-tune --history
      yard tune mnist-tune --run latest --plot search.html
      yard tune mnist-tune --stop
    """
    from shardyard.spec.tuning.trials import search_in

    aws = Aws(find_project())
    local = aws.project.job(job)
    search_in(local)
    if history:
        _history(aws, job, as_json=as_json)
    elif stop:
        searches.stop(aws, searches.find(aws, job, searches.NEWEST if run is None else run))
    elif run is not None:
        _show_one(aws, searches.find(aws, job, run), plot=plot, as_json=as_json)
    else:
        plan = launching.plan_of(aws, job, overrides, dry_run=dry_run, search=True)
        if dry_run:
            launching.refuse_wrong_code(aws, local)
            emit_facts(plan_as_json(plan) if as_json else as_facts(plan), as_json=as_json)
            return
        _begin(aws, job, overrides, plan, yes=yes, follow=follow, plot=plot, as_json=as_json)


def _begin(
    aws: Aws,
    job: str,
    launch: dict[str, Any],
    plan: "LaunchPlan",
    *,
    yes: bool,
    follow: bool | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    launching.refuse_wrong_code(aws, aws.project.job(job))
    if not as_json:
        emit_facts(as_facts(plan), as_json=False)
    if not yes and not confirm("Begin the search?", default=True):
        raise UserError("Nothing was launched.")
    run = launching.start(aws, job, launch, begin=searches.start)
    wanted = (is_terminal() and not as_json) if follow is None else follow
    if not wanted:
        say(f"Watch it: yard tune {job} --run {run.run_id}")
        if as_json:
            emit_json({**_run_as_json(aws, run), "plan": plan_as_json(plan), "search": None})
        return
    run, search = _follow(aws, run, as_json=as_json)
    if as_json:
        from yard.tuning.trials import as_json as trials_as_json

        found = None if search is None else trials_as_json(search)
        emit_json({**_run_as_json(aws, run), "plan": plan_as_json(plan), "search": found})
    else:
        _table(search)
    _draw(search, run, plot)
    _end(aws, run)


def _follow(aws: Aws, run: runs.Run, *, as_json: bool) -> "tuple[runs.Run, Search | None]":
    from yard.tuning.follow import follow

    try:
        return follow(aws, run, out=sys.stderr if as_json else None)
    except KeyboardInterrupt:
        if sys.stdin.isatty() and confirm("Stop the search? (No: leave it running)"):
            searches.stop(aws, run)
        else:
            again = f"yard tune {run.job} --run {run.run_id}"
            say(f"The search continues. See it: {again}; stop it: yard tune {run.job} --stop")
        raise typer.Exit(Exit.INTERRUPTED) from None


def _show_one(aws: Aws, run: runs.Run, *, plot: Path | None, as_json: bool) -> None:
    from yard.tuning import trials
    from yard.tuning.follow import look

    run, search = look(aws, run)
    receipt = {} if run.status == "RUNNING" else _receipt(aws, run)
    if search is None:
        search = trials.of_receipt(receipt) if receipt else None
    if as_json:
        found = None if search is None else trials.as_json(search)
        emit_json({**_run_as_json(aws, run), "search": found, "receipt": receipt or None})
    else:
        _table(search)
        emit_facts(_told(run, receipt), as_json=False)
    _draw(search, run, plot)


def _receipt(aws: Aws, run: runs.Run) -> dict[str, Any]:
    """The receipt, or nothing for a search that was refused or cut off."""
    try:
        return runs.receipt(aws, run.run_id)
    except UserError:
        return {}


def _told(run: runs.Run, receipt: dict[str, Any]) -> dict[str, Any]:
    after = (receipt.get("tuning") or {}).get("retraining")
    return {
        "search": f"{run.run_id} {runs.ended(run)}",
        "cause": receipt.get("cause"),
        "cost_usd": receipt.get("cost_usd"),
        "worst_case_usd": receipt.get("worst_case_usd"),
        "model": receipt.get("model"),
        "registered_as": receipt.get("model_package_arn"),
        "trained_again": None if after is None else f"run {after['run_id']}, {after['status'].lower()}",
        "receipt": receipt.get("location"),
    }


def _table(search: "Search | None") -> None:
    from yard.tuning.trials import rows

    if search is None:
        say("SageMaker has no search of this launch: it was refused, or has not been created yet.")
        return
    say(search.in_words())
    found = rows(search)
    emit_rows(found, tuple(found[0]) if found else (), as_json=False, empty="No trial has begun.", spare=("name",))


def _draw(search: "Search | None", run: runs.Run, plot: Path | None) -> None:
    if plot is None:
        return
    if search is None:
        raise UserError("There is no search to draw.")
    from yard.tuning.page import page

    with writing(plot):
        plot.write_text(page(search, job=run.job, run_id=run.run_id), encoding="utf-8")
    say(f"{len(search.trials)} trials are in {plot}.")


def _end(aws: Aws, run: runs.Run) -> None:
    from yard.runs.follow import exit_code

    if run.status == "SUCCEEDED":
        say(f"Done. What it cost: yard tune {run.job} --run {run.run_id}")
    else:
        _, execution = runs.refresh(aws, run)
        say(f"{run.status.capitalize().replace('_', ' ')}: {execution.get('error', '')}")
        if execution.get("cause"):
            say(str(execution["cause"]))
    raise typer.Exit(Exit.JOB_STOPPED if _was_stopped(aws, run) else exit_code(run.status))


def _was_stopped(aws: Aws, run: runs.Run) -> bool:
    """A search that was stopped ends its launch by itself, with a receipt, and so as a failed execution."""
    return run.status == "FAILED" and runs.refresh(aws, run)[1].get("error") == "Stopped"


def _history(aws: Aws, job: str, *, as_json: bool) -> None:
    from yard.tuning.trials import of_receipt, took

    rows = []
    for run in searches.executions(aws, job):
        receipt = {} if run.status == "RUNNING" else _receipt(aws, run)
        search = of_receipt(receipt) if receipt else None
        ended = [] if search is None else search.ended
        rows.append(
            {
                "run": run.run_id,
                "tuning_job": searches.tuning_job(aws, run),
                "status": run.status.lower(),
                "started": run.started,
                "took": took(run.started, run.stopped),
                "trials": None if search is None else len(search.trials),
                "best": ended[0].objective if ended else None,
                "cost_usd": receipt.get("cost_usd"),
            }
        )
    columns = ("run", "tuning_job", "status", "started", "took", "trials", "best", "cost_usd")
    empty = f"The job {job!r} has not been searched yet."
    emit_rows(rows, columns, as_json=as_json, empty=empty, spare=("tuning_job", "took"))


def _run_as_json(aws: Aws, run: runs.Run) -> dict[str, Any]:
    named = {"run": run.run_id, "job": run.job, "tuning_job": searches.tuning_job(aws, run)}
    return {**named, "execution": run.execution_arn, "status": run.status}


def register(app: typer.Typer) -> None:
    """Put this command on the app."""
    app.command()(with_override_options(tune))
