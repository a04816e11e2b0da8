"""yard plot: the curves of runs as one page."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from yard.aws import Aws
from yard.commands.complete import complete_jobs
from yard.errors import Exit, UserError, writing
from yard.output import emit_json, say
from yard.project import find_project
from yard.runs import runs

if TYPE_CHECKING:
    from yard.plots.series import By


def plot(
    wanted: list[str] = typer.Argument(help="Runs, or jobs (their newest runs).", autocompletion=complete_jobs),
    to: Path = typer.Option(Path("runs.html"), "--to", help="The HTML file to write."),
    metrics: list[str] = typer.Option([], "--metric", help="Only this metric; may be repeated.", metavar="NAME"),
    by: str | None = typer.Option(None, "--by", help="The axis: step, time or epoch.", metavar="AXIS"),
    smooth: float = typer.Option(0.0, "--smooth", help="Smooth by this weight of what was: 0 to 0.99.", metavar="W"),
    nodes: bool = typer.Option(True, "--nodes/--no-nodes", help="What the nodes did, under the curves."),
    as_json: bool = typer.Option(False, "--json", help="Print the file and what is in it as JSON."),
) -> None:
    """Draw the curves of runs as one HTML page.

    Any metric by step, time or epoch, and what processors, memory and GPUs of each node did. The file needs nothing
    else and fits a phone and a printer.

    \b
      yard plot mnist-ddp
      yard plot 20261121-073000-a1b2 20261121-090000-c3d4 --metric loss --by epoch --smooth 0.6 --to loss.html
    """
    from yard.plots import machines
    from yard.plots.page import charts, page
    from yard.runs.comparison import differing, metric_names, outcome, read_curve

    axis = _axis(by)
    if not 0 <= smooth <= 0.99:
        raise UserError(f"--smooth takes a weight from 0 to 0.99, not {smooth:g}.", code=Exit.USAGE)
    aws = Aws(find_project())
    found = [runs.find(aws, one) for one in wanted]
    curves = [read_curve(aws, run) for run in found]
    known = metric_names(curves)
    missing = [name for name in metrics if name not in known]
    if missing:
        said = f"They printed: {', '.join(known)}." if known else "They printed no metric."
        raise UserError(f"No run printed {', '.join(missing)}.", said)
    shown = list(charts(curves, metrics=metrics, by=axis, smooth=smooth))
    below = list(machines.charts(aws, found)) if nodes else []
    with writing(to):
        to.write_text(page(curves, differing(curves), outcome(curves), shown, machines=below), encoding="utf-8")
    if as_json:
        emit_json(
            {
                "file": str(to),
                "runs": [curve.run_id for curve in curves],
                "charts": [one.title for one in [*shown, *below] if not one.is_empty],
            }
        )
        return
    drawn = sum(not one.is_empty for one in [*shown, *below])
    say(f"{drawn} chart{'' if drawn == 1 else 's'} of {len(curves)} run{'' if len(curves) == 1 else 's'} are in {to}.")


def _axis(by: str | None) -> "By | None":
    from yard.plots.series import AXES

    found = next((axis for axis in AXES if axis == by), None)
    if by is not None and found is None:
        raise UserError(f"--by takes step, time or epoch, not {by!r}.", code=Exit.USAGE)
    return found


def register(app: typer.Typer) -> None:
    """Put this command on the app."""
    app.command()(plot)
