"""Visits of running nodes: the admin interface's verb that says how the cloud's owner enters one."""

from collections.abc import Mapping
from typing import Any

from embedded.operations import Params, ServiceError, admin
from embedded.services.sagemaker.jobs.job import TERMINAL
from embedded.services.sagemaker.training.store import Store


def register(store: Store) -> None:
    """Register the verb."""

    @admin("visit")
    def visit(params: Params) -> Mapping[str, Any]:
        """`{job, host}`: the command, and its environment, that runs another command in one node of a training job.

        `terminal` or `pipes` and that command are put behind it. The caller runs it by itself, as who it is.
        """
        name, host = params.get("job"), params.get("host", "algo-1")
        found = [job for job in store.by_name(str(name)) if job.status not in TERMINAL]
        if not found:
            raise ServiceError("ValidationException", f"no training job {name!r} runs")
        runner = store.runner(found[0])
        entry = runner.entry(host)
        if entry is None:
            known = ", ".join(runner.hosts()) or "none yet"
            raise ServiceError("ValidationException", f"no such host runs: {host!r}; {name} has {known}")
        return {"job": name, "host": host, "command": entry.command, "environment": entry.environment}
