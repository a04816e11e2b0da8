"""Visits of running nodes: the admin interface's verb that says how the cloud's owner enters one."""

from collections.abc import Mapping
from typing import Any

from embedded.operations import Params, ServiceError, admin
from embedded.services.sagemaker.jobs.verbs.running_jobs import the_runner


@admin("visit")
def visit(params: Params) -> Mapping[str, Any]:
    """`{job, host}`: the command, and its environment, that runs another command in one node of a job.

    `terminal` or `pipes` and that command are put behind it. The caller runs it by itself, as who it is.
    """
    runner, host = the_runner(params), params.get("host", "algo-1")
    entry = runner.entry(host)
    if entry is None:
        known = ", ".join(runner.hosts()) or "none yet"
        raise ServiceError("ValidationException", f"no such host runs: {host!r}; {runner.job.name} has {known}")
    return {"job": runner.job.name, "host": host, "command": entry.command, "environment": entry.environment}
