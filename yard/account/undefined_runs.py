"""Runs that go on although no file of jobs/ defines their job: the next deploy takes their state machine away."""

from typing import TYPE_CHECKING

from yard.project import Project
from yard.soon import asked_soon

if TYPE_CHECKING:
    from yard.runs.runs import Run


def undefined_runs(project: Project) -> "list[Run]":
    """The running ones, as far as an account answers soon."""

    def look() -> "list[Run]":
        from yard.aws import Aws
        from yard.runs.runs import runs_of_others

        return list(runs_of_others(Aws(project), [job.name for job in project.jobs()], running=True))

    return asked_soon(look)


def warning(run: "Run") -> str:
    """What is about to happen to a run, and what to do."""
    return (
        f"The run {run.run_id} goes on, and no file of jobs/ defines {run.job}: the next deploy takes its role "
        "and its state machine away, so it could save nothing more, and nobody would write its receipt or tell of its "
        f"end. Wait for it, or stop it: yard stop {run.run_id}; "
        f'if the job has another name now, write renamed_from = "{run.job}" into its file.'
    )
