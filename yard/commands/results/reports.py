"""yard receipt, history, note, compare: the results of runs."""

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from yard.aws import Aws
from yard.commands.complete import complete_jobs
from yard.errors import Exit, UserError
from yard.output import emit_json, emit_rows, emit_side_by_side, say, show
from yard.project import find_project
from yard.runs import about, runs
from yard.tuning import searches

if TYPE_CHECKING:
    pass


def receipt(
    run: str = typer.Argument(help="A job's name (its newest run) or a run id.", autocompletion=complete_jobs),
    diff: bool = typer.Option(False, "--diff", help="Print what differed from the commit in the files of the run."),
    as_json: bool = typer.Option(False, "--json", help="Print the whole receipt as JSON."),
) -> None:
    """Show what a run did and what it cost.

    How it ended, what each attempt cost and what spot saved, the last metrics, what it was made of, and where the
    model and logs are.

    \b
      yard receipt mnist-ddp
      yard receipt 20261121-073000-a1b2 --json | jq .cost_usd
      yard receipt mnist-ddp --diff | git apply --reverse --check
    """
    from shardyard.spec.receipt_text import text
    from yard.runs import beginnings

    aws = Aws(find_project())
    wanted = searches.find_any(aws, run)
    if diff:
        _show_difference(aws, wanted)
        return
    if wanted.status == "RUNNING":
        raise UserError(
            f"The run {wanted.run_id} of {wanted.job} is still running, and its receipt comes at its end.",
            f"Watch it: yard logs {wanted.run_id} --follow; where it is: yard status {wanted.run_id}",
        )
    found = beginnings.told(aws, wanted, runs.receipt(aws, wanted.run_id))
    said = about.read(aws, wanted.run_id)
    if as_json:
        emit_json({**found, "about": said.to_dict()})
    else:
        show("\n\n".join(part for part in (text(found), said.in_words()) if part))


def _show_difference(aws: Aws, run: runs.Run) -> None:
    from yard.sources import read_diff

    found = read_diff(aws, run.run_id)
    if found is None:
        raise UserError(
            f"No difference from a commit was kept of the run {run.run_id}.",
            "Its files were those of the commit, in no git repository, or new to it; "
            "its code lies in the artifact bucket, under the hash that the receipt names.",
        )
    show(found.rstrip("\n"))


def history(
    job: str | None = typer.Argument(None, help="Only this job's runs.", autocompletion=complete_jobs),
    limit: int = typer.Option(20, "--limit", help="At most this many runs.", min=1, metavar="N"),
    search: str | None = typer.Option(None, "--search", help="Only runs with this in a name, tag or note."),
    tags: list[str] = typer.Option([], "--tag", help="Only runs with this tag.", metavar="KEY[=VALUE]"),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """List the runs and the searches, newest first.

    Cost, last loss and last accuracy come from the receipts.

    \b
      yard history
      yard history mnist-ddp --limit 5
      yard history --tag baseline --search "smaller steps"
    """
    from yard.runs.history import rows

    aws = Aws(find_project())
    defined = [spec.name for spec in aws.project.jobs()]
    undefined = itertools.islice(
        (run for run in runs.runs_of_others(aws, defined) if job in (None, run.job)),
        0 if job is not None and aws.project.has_job(job) else limit,
    )
    each = None if search is not None or tags else limit
    others = itertools.chain(undefined, searches.of_project(aws, defined if job is None else [job], each))
    jobs = defined if job is None else [aws.project.job(job).name] if aws.project.has_job(job) else []
    wanted = {key: value if "=" in word else None for word in tags for key, value in about.read_tags([word]).items()}
    found = rows(aws, jobs, limit, others=others, search=search, tags=wanted)
    if not found and job is not None and not jobs:
        aws.project.job(job)  # says which name is the nearest
    columns = ("run", "job", "status", "name", "tags", "started", "took", "cost_usd", "saved_usd", "loss", "accuracy")
    nothing = "Nothing has been launched yet. Launch a job: yard train JOB"
    if search is not None or tags:
        nothing = "No run has that. Names, tags and notes: yard train --name, --tag; yard note RUN."
    spare = ("took", "loss", "name", "cost_usd", "tags", "started", "accuracy", "saved_usd")
    if not as_json:
        found = [
            {**row, "tags": about.tags_in_words(row["tags"]), "job": searches.told_name(row["job"], row["kind"])}
            for row in found
        ]
    emit_rows(found, columns, as_json=as_json, empty=nothing, spare=spare)


def note(
    run: str = typer.Argument(help="A job's name (its newest run) or a run id.", autocompletion=complete_jobs),
    text: str | None = typer.Argument(None, help="A note, added to those that are there."),
    name: str | None = typer.Option(None, "--name", help="Its name from now on."),
    tags: list[str] = typer.Option([], "--tag", help="A tag to set.", metavar="KEY[=VALUE]"),
    untag: list[str] = typer.Option([], "--untag", help="A tag to take away.", metavar="KEY"),
    as_json: bool = typer.Option(False, "--json", help="Print all that was said about the run as JSON."),
) -> None:
    """Give a run a note, a name or tags; or show them.

    At any time: before, while and after it runs. yard history finds it by them; the receipt and yard compare show them.

    \b
      yard note mnist-ddp "the loss jumps at step 800; smaller steps next"
      yard note 20261121-073000-a1b2 --name "wide, slow" --tag baseline --tag owner=ann
      yard note mnist-ddp
    """
    aws = Aws(find_project())
    given = {**about.read_tags(tags), **dict.fromkeys(untag)}
    name, text = about.checked_name(name), about.checked_note(text)
    found = searches.find_any(aws, run)
    if name is None and text is None and not given:
        said = about.read(aws, found.run_id)
    else:
        said = about.change(
            aws, found.run_id, lambda before: about.with_words(before, name=name, tags=given, note=text)
        )
    if as_json:
        emit_json({"run": found.run_id, **said.to_dict()})
    elif words := said.in_words():
        show(f"{found.job}, run {found.run_id}\n{words}")
    else:
        say(f"Nobody has said anything about the run {found.run_id} of {found.job}.")


def compare(
    wanted: list[str] = typer.Argument(
        help="Two or more: runs, jobs (their newest runs), searches (their best trials), trials (their training jobs).",
        autocompletion=complete_jobs,
    ),
    plot: Path | None = typer.Option(None, "--plot", help="Also write the curves as this HTML file."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON, the points of the curves included."),
) -> None:
    """Compare runs side by side, trials of searches among them.

    The settings that differ, how the runs learned, and what they cost; with --plot also loss and throughput over steps
    and over time, as one HTML page.

    \b
      yard compare 20261121-073000-a1b2 20261121-090000-c3d4 --plot runs.html
    """
    from dataclasses import asdict

    from yard.runs.comparison import differing, outcome
    from yard.tuning import compared

    if len(wanted) < 2:
        said = f"There is nothing to compare {wanted[0]} with."
        raise UserError(said, "Name two or more runs: yard history", Exit.USAGE)
    aws = Aws(find_project())
    curves = [compared.read(aws, one) for one in wanted]
    differences, ended = differing(curves), outcome(curves)
    if plot is not None:
        from yard.plots.page import charts, page
        from yard.transfer import downloads

        with downloads.whole(plot) as file:
            file.write_text(page(curves, differences, ended, list(charts(curves))), encoding="utf-8")
        say(f"The curves are in {plot}.")
    if as_json:
        emit_json([asdict(curve) for curve in curves])
        return
    emit_side_by_side([curve.run_id for curve in curves], [*differences, *ended])


def register(app: typer.Typer) -> None:
    """Put these commands on the app."""
    app.command()(receipt)
    app.command()(history)
    app.command()(note)
    app.command()(compare)
