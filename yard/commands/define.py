"""yard jobs, check: the defined jobs, and what is wrong with them."""

from typing import TYPE_CHECKING, Any

import typer

from yard.commands.complete import complete_jobs
from yard.errors import Exit
from yard.output import complain, emit_json, emit_rows, say
from yard.project import find_project

if TYPE_CHECKING:
    from yard.project import Project


def jobs(
    offline: bool = typer.Option(False, "--offline", help="Do not ask the account about quotas."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """List the jobs.

    For each: its instances, its image, the most that a launch can cost, and whether the account's quotas allow it now:
    yes, no, or in use (by other jobs). Without an account, quotas are shown as -.

    \b
      yard jobs
      yard jobs --offline --json
    """
    from yard.plan import describe, offline_region

    project = find_project()
    rows = [describe(job, region=offline_region()) for job in project.jobs()]
    asked = {} if offline else _quotas(project)
    for row in rows:
        row["quotas"], row["quota_reasons"] = asked.get(row["job"], (None, []))
    columns = ("job", "instances", "image", "price", "longest", "usd_at_most", "quotas")
    nothing = f"There are no jobs in {project.root / 'jobs'}."
    emit_rows(rows, columns, as_json=as_json, empty=nothing, spare=("quotas", "image"))
    if not as_json:
        for row in rows:
            for reason in row["quota_reasons"]:
                say(f"{row['job']}: {reason}")
        if any(row["quotas"] == "no" for row in rows):
            say("Ask for what is missing: yard quota request")


def _quotas(project: "Project") -> dict[str, tuple[str, list[str]]]:
    """State and reasons by job; empty, with a warning, if no account answers."""
    from yard.account.quotas import by_job
    from yard.aws import Aws
    from yard.errors import explain

    try:
        found = by_job(Aws(project), project.jobs())
    except Exception as error:
        known = explain(error)
        if known is None:
            raise
        say(f"Quotas are not shown: {known.happened}")
        return {}
    return {job: (one.state, list(one.reasons)) for job, one in found.items()}


def check(
    job: str | None = typer.Argument(None, help="Only this job; by default all.", autocompletion=complete_jobs),
    parameters: list[str] = typer.Option(
        [], "--parameters", help="As for cdk deploy; may be repeated.", metavar="NAME=VALUE"
    ),
    offline: bool = typer.Option(False, "--offline", help="Ask no account about runs whose job is gone."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON: what was checked, and every problem."),
) -> None:
    """Check settings, jobs and endpoints against the rules.

    Fast, before any synth. Reports every problem of every file at once; exit code 1 if there is one. Where the shell
    names an account that answers soon, warns of runs whose job is no longer defined, and refuses a change of a deployed
    endpoint that SageMaker would refuse in the middle of a deploy. Warns of nodes that would all do the same work.

    \b
      yard check
      yard check gpt-fsdp --parameters GptFsdpInstanceCount=4
    """
    from shardyard.spec.errors import SpecError
    from yard.account.undefined_runs import undefined_runs, warning
    from yard.plan import check_jobs, check_names, check_parameters, reach_of
    from yard.serving.changes import check_endpoints
    from yard.starter.script.copies import copies_said
    from yard.starter.script.packages import unreachable_said

    problems: list[Any] = []
    checked: list[str] = []
    served: list[str] = []
    warnings: list[str] = []
    try:
        project = find_project()
        check_names(project)
        check_parameters(project, parameters)
        checked = check_jobs(project, job)
        served = check_endpoints(project, offline=offline) if job is None else []
        of_checked = [one for one in project.jobs() if one.name in checked]
        told = [(one.name, copies_said(project.root, one)) for one in of_checked]
        reach = reach_of(project.settings)
        if reach and "codeartifact" not in reach:
            told += [(one.name, unreachable_said(project.root, one)) for one in of_checked]
        warnings = [f"jobs/{name}.toml: {said}" for name, said in told if said is not None]
        warnings += [] if offline else [warning(run) for run in undefined_runs(project)]
    except SpecError as error:
        problems = list(error.problems)
    if as_json:
        said = [{"where": one.where, "message": one.message} for one in problems]
        emit_json({"checked": checked, "endpoints": served, "problems": said, "warnings": warnings})
    elif problems:
        complain("\n".join(map(str, problems)))
    else:
        say(f"{len(checked)} job{'s' if len(checked) != 1 else ''} checked: no problems.")
        if served:
            say(f"{len(served)} endpoint{'s' if len(served) != 1 else ''} checked: no problems.")
        for text in warnings:
            say(text)
        inside = [job for job in project.jobs() if job.name in checked and job.network.vpc]
        if inside and (reach := reach_of(project.settings)):
            say(f"{', '.join(job.name for job in inside) if len(inside) < 4 else f'{len(inside)} of them'}: {reach}")
    if problems:
        raise typer.Exit(Exit.FIX)


def register(app: typer.Typer) -> None:
    """Put these commands on the app."""
    app.command()(jobs)
    app.command()(check)
