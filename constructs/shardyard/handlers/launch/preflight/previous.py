"""What a resumed run has done before."""

from dataclasses import dataclass

from shardyard.handlers import aws
from shardyard.handlers.launch.preflight.launch import Launch
from shardyard.spec.catalogue.service_jobs import STATUSES_WHILE_RUNNING
from shardyard.spec.errors import Problem


@dataclass(frozen=True, kw_only=True, slots=True)
class Previous:
    """Earlier attempts of the same run."""

    attempts: int = 0
    """The number of the last attempt; 0 for a new run."""
    problem: Problem | None = None
    """Set if an attempt is still running: two must never write the same checkpoints."""


def read_previous(launch: Launch, clients: aws.Clients) -> Previous:
    """Look for earlier attempts of a run that the input names; a new run has none."""
    if launch.given.run_id is None:
        return Previous()
    sagemaker = clients("sagemaker")
    of = launch.of
    jobs, _ = of.page(sagemaker, NameContains=f"-{launch.run_id}-", MaxResults=100)
    numbers = [0]
    for job in jobs:
        name, _, number = job[of.name_field].rpartition("-")
        if not name.endswith(f"-{launch.run_id}") or not number.isdigit():
            continue
        numbers.append(int(number))
        if job[of.status_field] in STATUSES_WHILE_RUNNING:
            text = f"the run {launch.run_id} is still in progress as {job[of.name_field]}; stop it, or wait for it"
            return Previous(problem=Problem("run_id", text))
    return Previous(attempts=max(numbers))
