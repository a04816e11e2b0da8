"""yard receipt, history, compare: the results of runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from yard.aws import Aws
from yard.commands.complete import complete_jobs
from yard.errors import Exit, UserError
from yard.output import emit_json, emit_rows, emit_side_by_side, say, show
from yard.project import find_project
from yard.runs import runs

if TYPE_CHECKING:
    from yard.runs.comparison import Curve


def receipt(
    run: str = typer.Argument(help="A job's name (its newest run) or a run id.", autocompletion=complete_jobs),
    as_json: bool = typer.Option(False, "--json", help="Print the whole receipt as JSON."),
) -> None:
    """Show what a run did and what it cost.

    How it ended, what each attempt cost and what spot saved, the last metrics, and where the model and logs are.

    \b
      yard receipt mnist-ddp
      yard receipt 20261121-073000-a1b2 --json | jq .cost_usd
    """
    from shardyard.spec.receipt_text import text

    aws = Aws(find_project())
    wanted = runs.find(aws, run)
    if wanted.status == "RUNNING":
        raise UserError(
            f"The run {wanted.run_id} of {wanted.job} is still running, and its receipt comes at its end.",
            f"Watch it: yard logs {wanted.run_id} --follow; where it is: yard status {wanted.run_id}",
        )
    found = runs.receipt(aws, wanted.run_id)
    if as_json:
        emit_json(found)
    else:
        show(text(found))


def history(
    job: str | None = typer.Argument(None, help="Only this job's runs.", autocompletion=complete_jobs),
    limit: int = typer.Option(20, "--limit", help="At most this many runs.", min=1, metavar="N"),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """List the runs, newest first.

    Cost, last loss and last accuracy come from the receipts.

    \b
      yard history
      yard history mnist-ddp --limit 5
    """
    from yard.runs.history import rows

    aws = Aws(find_project())
    jobs = [aws.project.job(job).name] if job is not None else [spec.name for spec in aws.project.jobs()]
    found = rows(aws, jobs, limit)
    columns = ("run", "job", "status", "started", "took", "cost_usd", "saved_usd", "loss", "accuracy")
    nothing = "Nothing has been launched yet. Launch a job: yard train JOB"
    spare = ("took", "loss", "cost_usd", "started", "accuracy", "saved_usd")
    emit_rows(found, columns, as_json=as_json, empty=nothing, spare=spare)


def compare(
    wanted: list[str] = typer.Argument(
        help="Two or more runs, or jobs (their newest runs).", autocompletion=complete_jobs
    ),
    plot: Path | None = typer.Option(None, "--plot", help="Also write the curves as this HTML file."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON, the points of the curves included."),
) -> None:
    """Compare runs side by side.

    The settings that differ, how the runs learned, and what they cost; with --plot also loss and throughput over steps
    and over time, as one HTML page.

    \b
      yard compare 20261121-073000-a1b2 20261121-090000-c3d4 --plot runs.html
    """
    from dataclasses import asdict

    from yard.runs.comparison import differing, read_curve

    if len(wanted) < 2:
        said = f"There is nothing to compare {wanted[0]} with."
        raise UserError(said, "Name two or more runs: yard history", Exit.USAGE)
    aws = Aws(find_project())
    curves = [read_curve(aws, runs.find(aws, one)) for one in wanted]
    differences, ended = differing(curves), _outcome(curves)
    if plot is not None:
        from yard import downloads
        from yard.runs.plot import page

        with downloads.whole(plot) as file:
            file.write_text(page(curves, differences, ended), encoding="utf-8")
        say(f"The curves are in {plot}.")
    if as_json:
        emit_json([asdict(curve) for curve in curves])
        return
    emit_side_by_side([curve.run_id for curve in curves], [*differences, *ended])


def _outcome(curves: "Sequence[Curve]") -> list[tuple[str, list[Any]]]:
    """How each run ended, one row per figure."""
    from yard.runs.comparison import metric_names

    found: dict[str, list[Any]] = {
        "status": [curve.status for curve in curves],
        "steps": [curve.last("step") for curve in curves],
        **{name: [curve.last(name) for curve in curves] for name in metric_names(curves)},
        "median per second": [curve.rate for curve in curves],
        "billable seconds": [curve.billable_seconds for curve in curves],
        "USD": [curve.usd for curve in curves],
    }
    return list(found.items())


def register(app: typer.Typer) -> None:
    """Put these commands on the app."""
    app.command()(receipt)
    app.command()(history)
    app.command()(compare)
