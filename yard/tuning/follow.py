"""Following a search: a table of its trials that is redrawn, or in a pipe a line for each trial that has ended."""

import itertools
import sys
import time
from typing import TYPE_CHECKING, TextIO

from yard.aws import Aws
from yard.output import console, is_terminal, printable, say, show
from yard.runs import runs
from yard.tuning.searches import tuning_job
from yard.tuning.trials import Search, Trial, read_search, rows

if TYPE_CHECKING:
    from rich.table import Table

POLL_SECONDS = 5.0
"""How often to look on AWS, whose list calls are few per second for the whole account."""
POLL_SECONDS_HERE = 1.0
"""The same on the embedded cloud."""
_MOST_SHOWN = 30
"""Rows of the live table: the best of more trials, and those that run."""


def follow(aws: Aws, run: runs.Run, *, out: TextIO | None = None) -> tuple[runs.Run, Search | None]:
    """Show a search until its launch has ended; return both as they then stand."""
    pause = POLL_SECONDS if aws.endpoint is None else POLL_SECONDS_HERE
    if out is not None or not is_terminal():
        return _lines(aws, run, sys.stdout if out is None else out, pause)
    from rich.live import Live

    with Live(console=console(), auto_refresh=False, transient=True) as live:
        while True:
            run, search = look(aws, run)
            if search is not None:
                live.update(picture(search), refresh=True)
            if run.status != "RUNNING":
                return run, search
            time.sleep(pause)


def look(aws: Aws, run: runs.Run) -> tuple[runs.Run, Search | None]:
    """The launch and its search as they stand now."""
    run, _ = runs.refresh(aws, run)
    return run, read_search(aws, tuning_job(aws, run))


def _lines(aws: Aws, run: runs.Run, stream: TextIO, pause: float) -> tuple[runs.Run, Search | None]:
    told: set[str] = set()
    status = ""
    for _ in itertools.count():
        run, search = look(aws, run)
        if search is not None:
            if search.status != status:
                status = search.status
                say(f"-- {search.tuning_job}: {status}")
            for trial in search.trials:
                if trial.status not in ("InProgress", "Stopping") and trial.name not in told:
                    told.add(trial.name)
                    show(line(trial, search), stream)
        if run.status != "RUNNING":
            break
        time.sleep(pause)
    return run, search


def line(trial: Trial, search: Search) -> str:
    """A trial in one line."""
    values = ", ".join(f"{name}={value}" for name, value in sorted(trial.hyperparameters.items()))
    found = "no value" if trial.objective is None else f"{trial.objective:.6g}"
    best = "" if trial.best_so_far is None else f" (best {trial.best_so_far:.6g})"
    return f"{trial.number:>4}  {trial.status:<10} {search.metric} {found}{best}  {values}"


def picture(search: Search) -> "Table":
    """The live table: the best trials first where there are many, and every one that runs."""
    from rich.table import Table

    shown = _shown(search)
    columns = ["trial", *search.parameters, search.metric, "best so far", "state"]
    drawn = Table(*columns, title=search.in_words(), title_justify="left", box=None, pad_edge=False)
    by_number = {row["trial"]: row for row in rows(search)}
    for trial in shown:
        row = by_number[trial.number]
        cells = [row["trial"], *(row[name] for name in search.parameters), row[search.metric], row["best_so_far"]]
        drawn.add_row(*(_cell(cell) for cell in cells), row["state"], style="bold" if row["state"] == "best" else None)
    return drawn


def _shown(search: Search) -> list[Trial]:
    if len(search.trials) <= _MOST_SHOWN:
        return list(search.trials)
    running = [trial for trial in search.trials if trial.status == "InProgress"]
    best = [trial for trial in search.ended if trial not in running]
    return sorted([*running, *best[: _MOST_SHOWN - len(running)]], key=lambda trial: trial.number)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else printable(str(value))
