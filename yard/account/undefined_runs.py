"""Runs that go on although no file of jobs/ defines their job: the next deploy takes their state machine away."""

import os
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from yard.errors import explain
from yard.project import Project

if TYPE_CHECKING:
    from yard.runs.runs import Run

_LONGEST_SECONDS = 3.0
_LOOPBACK_SECONDS = 20.0
"""An embedded cloud that is not there refuses at once; one that is busy may be waited for."""
_NAME_AN_ACCOUNT = (
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


def undefined_runs(project: Project) -> "list[Run]":
    """The running ones, as far as an account answers soon: the check of files works offline, and waits for nobody.

    Only an account that the shell itself names is asked. One that does not answer in time, or refuses, is passed over.
    """
    if not any(os.environ.get(name) for name in _NAME_AN_ACCOUNT):
        return []
    found: list[Run] = []
    failed: list[Exception] = []

    def look() -> None:
        from yard.aws import Aws
        from yard.runs.runs import runs_of_others

        try:
            found.extend(runs_of_others(Aws(project), [job.name for job in project.jobs()], running=True))
        except Exception as error:
            failed.append(error)

    # no timeout of a client bounds them all: a sign-in or a name server may hang before any
    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    looking.join(_LOOPBACK_SECONDS if _is_loopback() else _LONGEST_SECONDS)
    for error in failed:
        if explain(error) is None:
            raise error
    return list(found)


def _is_loopback() -> bool:
    return urlsplit(os.environ.get("AWS_ENDPOINT_URL", "")).hostname in ("localhost", "127.0.0.1")


def warning(run: "Run") -> str:
    """What is about to happen to a run, and what to do."""
    return (
        f"The run {run.run_id} goes on, and no file of jobs/ defines {run.job}: the next deploy takes its role "
        "and its state machine away, so it could save nothing more, and nobody would write its receipt or tell of its "
        f"end. Wait for it, or stop it: yard stop {run.run_id}; "
        f'if the job has another name now, write renamed_from = "{run.job}" into its file.'
    )
