"""What a launch has run: its attempts, or the trials of a search."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shardyard.handlers import aws
from shardyard.handlers.launch.described import read
from shardyard.handlers.launch.receipt.attempts import account, read_attempts, with_snapshot_prices
from shardyard.handlers.launch.receipt.automl import best_of as best_candidate_of
from shardyard.handlers.launch.receipt.automl import read_automl
from shardyard.handlers.launch.receipt.trials import trial_lines
from shardyard.handlers.launch.search.outcome import best_of
from shardyard.spec import names
from shardyard.spec.catalogue.service_jobs import AUTOML, TRAINING, TUNING, ServiceJob, of_run


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """Everything that was paid, and what is left of it."""

    of: ServiceJob
    """What was run: attempts of this kind."""
    paid: Sequence[Mapping[str, Any]]
    """A line for each job."""
    told: Sequence[Mapping[str, Any]]
    """The lines that the receipt tells as attempts."""
    last: Mapping[str, Any]
    """The description of the job that counts; empty without one."""
    asked: Mapping[str, Any]
    """What was asked of it, which its settings are read from where there is no description."""
    count: int
    cost: Mapping[str, Any]
    more: Mapping[str, Any] = field(default_factory=dict)
    """What only this kind of launch adds to the receipt."""


def read_run(event: Mapping[str, Any], clients: aws.Clients) -> Ran:
    """Look at everything that the launch has made."""
    launch = event["launch"]
    return _search(event, clients) if of_run(launch["run"]) is TUNING else _attempts(launch, clients)


def _attempts(launch: Mapping[str, Any], clients: aws.Clients) -> Ran:
    run, of = launch["run"], of_run(launch["run"])
    jobs = read_attempts(_job_names(run, launch["request"]), clients, of)
    if of is AUTOML:
        return _automl(launch, jobs, clients)
    cost = with_snapshot_prices(launch["cost"], [read(of, job) for job in jobs], run["region"])
    lines = [account(job, cost, of) for job in jobs]
    last = jobs[-1] if jobs else {}
    return Ran(of=of, paid=lines, told=lines, last=last, asked=launch["request"], count=run["attempt"], cost=cost)


def _automl(launch: Mapping[str, Any], jobs: Sequence[Mapping[str, Any]], clients: aws.Clients) -> Ran:
    run, cost, lines = launch["run"], launch["cost"], []
    more: dict[str, Any] = {}
    for job in jobs:
        found = read_automl(job, cost, run["region"], clients)
        cost, more = found.cost, {"automl": found.table, **best_candidate_of(job)}
        lines.append(found.line)
    last = jobs[-1] if jobs else {}
    asked, count = launch["request"], run["attempt"]
    return Ran(of=AUTOML, paid=lines, told=lines, last=last, asked=asked, count=count, cost=cost, more=more)


def _job_names(run: Mapping[str, Any], request: Mapping[str, Any]) -> list[str]:
    """The jobs of the whole run, oldest first, including the launches that it was resumed from."""
    of = of_run(run)
    before = [
        names.training_job_name(run["job"], run["id"], number, of.longest_name) for number in range(1, run["attempt"])
    ]
    return [*dict.fromkeys([*before, *(one["name"] for one in run["attempts"]), request[of.name_field]])]


def _search(event: Mapping[str, Any], clients: aws.Clients) -> Ran:
    launch, sagemaker = event["launch"], clients("sagemaker")
    name, cost = launch["request"][TUNING.name_field], launch["cost"]
    described = aws.describe_job(sagemaker, name, TUNING)
    lines = [] if described is None else trial_lines(sagemaker, described, name, cost)
    best = None if described is None else best_of(described)
    last = None if best is None else aws.describe_job(sagemaker, best.training_job)
    table = {
        **launch["plan"]["search"],
        "tuning_job": name,
        "status": None if described is None else described[TUNING.status_field],
        "best": None if best is None else best.training_job,
        "trials": [{key: line[key] for key in _OF_A_TRIAL} for line in lines],
        "retraining": _retraining(event),
    }
    told = [line for line in lines if best is not None and line["name"] == best.training_job]
    return Ran(
        of=TRAINING,
        paid=lines,
        told=told,
        last={} if last is None else last,
        asked=_any_trial(launch["request"]),
        count=len(lines),
        cost=cost,
        more={"tuning": table},
    )


def _any_trial(request: Mapping[str, Any]) -> dict[str, Any]:
    """What all trials have in common, in the words of a training job's request."""
    several = request.get("TrainingJobDefinitions")
    definition = several[0] if several else request["TrainingJobDefinition"]
    types = definition.get("HyperParameterTuningResourceConfig", {}).get("InstanceConfigs", [{}])
    resources = definition.get("ResourceConfig", types[0])
    return {**definition, "HyperParameters": definition["StaticHyperParameters"], "ResourceConfig": resources}


_OF_A_TRIAL = (
    *("name", "definition", "status", "reason", "objective", "objective_status", "hyperparameters"),
    *("started", "ended", "billable_seconds", "cost_usd"),
)


def _retraining(event: Mapping[str, Any]) -> dict[str, Any] | None:
    """The launch after the search; None where there was none."""
    after = event.get("retrained")
    if after is None:
        return None
    return {"run_id": str(after["execution"]).rpartition(":")[2], "status": after["status"]}
