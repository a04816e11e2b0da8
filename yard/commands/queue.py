"""yard queue: several launches within one budget."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from yard.aws import Aws
from yard.errors import Exit, UserError
from yard.launches import launching
from yard.output import confirm, emit_rows, say
from yard.project import find_project
from yard.runs import runs

if TYPE_CHECKING:
    from yard.launches.queueing import Turn, Wish


def queue(
    launches: list[str] = typer.Argument(None, help="Each as it would stand after `yard train`, in quotes."),
    file: Path | None = typer.Option(None, "--file", help="A file with one launch per line; - is stdin."),
    at_once: int = typer.Option(1, "--at-once", help="So many run side by side.", min=1, metavar="N"),
    budget: float | None = typer.Option(None, "--budget", help="Of all together, in USD.", min=0, metavar="USD"),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask."),
    as_json: bool = typer.Option(False, "--json", help="Print what became of each as JSON."),
) -> None:
    """Launch several runs, one after the other or N at a time.

    Says before what all can cost together, and holds it: a launch waits for its turn, and is left out if what has been
    spent and what may still be leaves too little of --budget. The queue is this command: Ctrl-C leaves what runs, and
    launches nothing more. Exit code 3 if one failed or was not launched.

    \b
      yard queue "mnist-ddp --set seed=1" "mnist-ddp --set seed=2" --at-once 2 --budget 5
      yard queue --file sweep.txt --yes
    """
    from yard.launches.queueing import Queue, total_usd

    aws = Aws(find_project())
    wishes = [_wish(aws, words) for words in _words(launches, file)]
    total = total_usd(wishes)
    if not as_json:
        rows = [{"launch": one.words, "usd_at_most": one.worst_usd} for one in wishes]
        emit_rows(rows, ("launch", "usd_at_most"), as_json=False, empty="")
    if total is None and budget is not None:
        unknown = ", ".join(one.words for one in wishes if one.worst_usd is None)
        raise UserError(f"The price of {unknown} is unknown, so the budget could not be held.", "Leave --budget out.")
    limit = total if budget is None else budget
    say(f"All together at most {_usd(total)} USD; the budget is {_usd(limit)} USD.")
    if not yes and not confirm(f"Launch {len(wishes)} runs, {at_once} at a time?", default=True):
        raise UserError("Nothing was launched.")
    turns = Queue(
        wishes=wishes,
        at_once=at_once,
        budget_usd=limit,
        start=lambda wish, left: _start(aws, wish, left),
        refresh=lambda run: runs.refresh(aws, run)[0],
        cost=lambda run: _cost(aws, run),
    ).run()
    _tell(turns, as_json=as_json)
    if any(turn.status != "succeeded" for turn in turns):
        raise typer.Exit(Exit.JOB_FAILED)


def _usd(amount: float | None) -> str:
    return "an unknown number of" if amount is None else f"{amount:.2f}"


def _words(launches: list[str] | None, file: Path | None) -> list[str]:
    from yard.launches.queueing import read_file

    found = list(launches or ())
    if file is not None:
        try:
            found += read_file(sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UserError(f"There is no file {file}.", "One launch per line: mnist-ddp --set seed=1") from None
    if not found:
        raise UserError("There is nothing to launch.", 'yard queue "mnist-ddp --set seed=1" ...', Exit.USAGE)
    return found


def _wish(aws: Aws, words: str) -> "Wish":
    """Read one launch as `yard train` reads its command line, and plan it."""
    from yard.commands.launch import read_train
    from yard.launches.queueing import Wish

    given = read_train(shlex.split(words))
    launch = launching.launch_input(aws.project.job(given.job), given.overrides, given.hyperparameters, given.words)
    plan = launching.plan_of(aws, given.job, launch)
    launching.refuse_wrong_code(aws, aws.project.job(given.job))
    return Wish(words=words, job=given.job, launch=launch, worst_usd=plan.cost.usd, name=given.name, tags=given.tags)


def _start(aws: Aws, wish: "Wish", left_usd: float | None) -> runs.Run:
    """With a cap of what is left: preflight asks for the price of the day, which may be another one."""
    own = wish.launch.get("cap_usd")
    caps = [round(cap, 2) for cap in (own, left_usd) if cap is not None]
    launch = {**wish.launch, "cap_usd": min(caps)} if caps else wish.launch
    return launching.start(aws, wish.job, launch, name=wish.name, tags=wish.tags)


def _cost(aws: Aws, run: runs.Run) -> float | None:
    """Of a run without a receipt nothing is known: its worst case counts."""
    try:
        found: float | None = runs.receipt(aws, run.run_id).get("cost_usd")
    except UserError:
        return None
    return found


def _tell(turns: "list[Turn]", *, as_json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {
            "launch": turn.wish.words,
            "status": turn.status,
            "run": None if turn.run is None else turn.run.run_id,
            "cost_usd": turn.usd,
            "why": turn.why_not or None,
        }
        for turn in turns
    ]
    emit_rows(rows, ("launch", "status", "run", "cost_usd"), as_json=as_json, empty="")


def register(app: typer.Typer) -> None:
    """Put this command on the app."""
    app.command()(queue)
