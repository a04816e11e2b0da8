"""yard follow: watch a run to its end, as yard train does from its launch on."""

import sys

import typer

from yard.aws import Aws
from yard.commands.complete import complete_jobs
from yard.errors import Exit
from yard.output import confirm, emit_json, say
from yard.project import find_project
from yard.runs import runs
from yard.runs.saves import keeps_checkpoints


def follow(
    run: str = typer.Argument(help="A job's name (its newest run) or a run id.", autocompletion=complete_jobs),
    as_json: bool = typer.Option(False, "--json", help="Print how it ended as JSON; its lines go to stderr."),
) -> None:
    """Watch a run to its end.

    The view of yard train, from any terminal and as often as you like. Ctrl-C asks whether to stop the run or leave it
    running. The exit codes are those of yard train.

    \b
      yard follow mnist-ddp
      yard follow 20261121-073000-a1b2 || echo "it failed with exit code $?"
    """
    aws = Aws(find_project())
    found = runs.find(aws, run)
    ended = watch_to_the_end(aws, found, as_json=as_json)
    if as_json:
        emit_json({"run": ended.run_id, "job": ended.job, "execution": ended.execution_arn, "status": ended.status})
    end_with(aws, ended)


def watch_to_the_end(aws: Aws, run: runs.Run, *, as_json: bool) -> runs.Run:
    """Show a run until it ends; Ctrl-C leaves it, or stops it first."""
    from yard.launches import launching
    from yard.runs.follow import follow as show

    try:
        # With --json the lines go to stderr, so that stdout holds one document.
        return show(aws, run, out=sys.stderr if as_json else None)
    except KeyboardInterrupt:
        wants_stop = sys.stdin.isatty() and confirm("Stop the run? (No: leave it running)")
        if wants_stop:
            launching.stop(aws, run)
        else:
            say(f"The run continues. Watch it again: yard follow {run.run_id}; stop it: yard stop {run.run_id}")
        raise typer.Exit(Exit.INTERRUPTED) from None


def end_with(aws: Aws, run: runs.Run) -> None:
    """Say how a run ended, and end the command likewise; nothing for one that goes on."""
    from yard.runs.follow import exit_code

    if run.status == "RUNNING":
        return
    _say_end(aws, run)
    raise typer.Exit(exit_code(run.status))


def _say_end(aws: Aws, run: runs.Run) -> None:
    if run.status == "SUCCEEDED":
        from yard.runs.artifacts import what_is_missing

        missing = list(what_is_missing(aws, run))
        get = "" if missing else f"; get the model: yard model get {run.run_id}"
        say(f"Done. See the receipt: yard receipt {run.run_id}{get}")
        for sentence in missing:
            say(sentence)
        return
    _, execution = runs.refresh(aws, run)
    say(f"{run.status.capitalize().replace('_', ' ')}: {execution.get('error', '')}")
    if execution.get("cause"):
        say(str(execution["cause"]))
    say(f"Its logs: yard logs {run.run_id}; {_next_step(aws, run)}")


def _next_step(aws: Aws, run: runs.Run) -> str:
    """A stopped run has no receipt; it goes on where checkpoints are."""
    if run.status != "ABORTED" or not aws.project.has_job(run.job):
        return f"its receipt: yard receipt {run.run_id}"
    keeps = keeps_checkpoints(aws.project.job(run.job))
    return f"resume it: yard resume {run.run_id}" if keeps else f"launch it anew: yard {run.of.command} {run.job}"


def register(app: typer.Typer) -> None:
    """Put this command on the app."""
    app.command()(follow)
    app.command("watch", hidden=True)(follow)  # what one types who knows other tools
