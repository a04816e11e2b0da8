"""yard jobs, check: what is defined, and what is wrong with it."""

import typer

from yard.output import emit_rows, say
from yard.project import find_project


def jobs(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """List the jobs: shape, image, worst-case cost of a launch."""
    from yard.plan import describe, offline_region

    project = find_project()
    rows = [describe(job, region=offline_region()) for job in project.jobs()]
    columns = ("job", "nodes", "instance_type", "image", "spot", "max_runtime", "worst_case_usd")
    emit_rows(rows, columns, as_json=as_json, empty=f"There are no jobs in {project.root / 'jobs'}.")


def check(
    job: str | None = typer.Argument(None, help="Only this job; without it, all."),
    parameters: list[str] = typer.Option([], "--parameters", help="Name=value, as for cdk deploy; may be repeated."),
) -> None:
    """Check settings, jobs and parameters against the rules, offline."""
    from yard.plan import check_jobs, check_parameters

    project = find_project()
    check_parameters(project, parameters)
    count = check_jobs(project, job)
    say(f"{count} job{'s' if count != 1 else ''} checked: no problems.")


def register(app: typer.Typer) -> None:
    """Put these commands on the app."""
    app.command()(jobs)
    app.command()(check)
