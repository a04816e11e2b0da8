"""After a search: its best trial, another try where it was never created, or an end with its cause."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from contract.hyperparameters import decode_all
from shardyard.handlers import aws
from shardyard.handlers.launch.classify.failures import Failure, Kind, read_call
from shardyard.handlers.launch.classify.next_step import decide
from shardyard.handlers.launch.search.first_trials import unfound_objective
from shardyard.handlers.launch.search.outcome import Best, Outcome, outcome_of
from shardyard.spec.catalogue.service_jobs import STATUSES_WHILE_RUNNING, TUNING
from shardyard.spec.run_ids import run_id_of

_ERRORS = {
    Kind.CAPACITY: "NoCapacity",
    Kind.LIMIT: "QuotaInUse",
    Kind.THROTTLED: "Throttled",
    Kind.INTERNAL: "ServiceInternalError",
}


def classify_search(event: Mapping[str, Any], clients: aws.Clients, now: float) -> dict[str, Any]:
    """What follows; a search that was created is never created again, as its trials are paid."""
    launch, sagemaker = dict(event["launch"]), clients("sagemaker")
    name = launch["request"][TUNING.name_field]
    search = aws.describe_job(sagemaker, name, TUNING)
    if search is None:
        return _not_created(event, launch, now)
    if search[TUNING.status_field] in STATUSES_WHILE_RUNNING:
        TUNING.stop(sagemaker, name)
        cause = f"The launch lost sight of the search {name} and stopped it. Its trials so far are paid; search again."
        return _end(launch, Outcome(kind="REJECTED", error="RejectedByService", cause=cause), now)
    return _end(launch, outcome_of(search, unfound=unfound_objective(sagemaker, search, name)), now)


def _not_created(event: Mapping[str, Any], launch: dict[str, Any], now: float) -> dict[str, Any]:
    """The call failed: for want of a quota, by throttling or an internal error it is worth another try."""
    failed = event.get("failure", {})
    failure = read_call(str(failed.get("Error", "")), str(failed.get("Cause", "")))
    run = dict(launch["run"])
    counts = {**run["counts"], failure.kind.name: run["counts"].get(failure.kind.name, 0) + 1}
    queued = failure.kind in (Kind.CAPACITY, Kind.LIMIT)
    since = run.get("queued_since", now) if queued else now
    step = decide(failure, launch["plan"], counts, now - since)
    steps = [*run["steps"][-19:], {"attempt": run["attempt"], "why": step.why}]
    launch["run"] = {**run, "counts": counts, "steps": steps, **({"queued_since": since} if queued else {})}
    if step.again:
        return {"launch": launch, "next": {"action": "again", "wait_seconds": step.wait_seconds, "why": step.why}}
    return _end(launch, Outcome(kind=failure.kind.name, error=_error(failure), cause=step.why), now)


def _error(failure: Failure) -> str:
    return _ERRORS.get(failure.kind, "RejectedByService")


def _end(launch: Mapping[str, Any], outcome: Outcome, now: float) -> dict[str, Any]:
    end: dict[str, Any] = {"launch": launch, "next": {"action": "end", "wait_seconds": 1, "why": outcome.cause}}
    if outcome.best is None or outcome.error:
        return {**end, "failed": {"kind": outcome.kind, "error": outcome.error, "cause": outcome.cause}}
    # The receipt and the model package name the image of the definition that won
    plan = launch["plan"]
    image = plan.get("images", {}).get(outcome.best.definition, plan["image"])
    end["launch"] = {**launch, "plan": {**plan, "image": image}}
    trained = {
        "training_job": outcome.best.training_job,
        "launch": _retraining(launch, outcome.best),
        # An execution is named by its run, and Step Functions would make a name that is none.
        "run_id": run_id_of(f"{launch['run']['execution']}:again", datetime.fromtimestamp(now, UTC), None),
    }
    return {**end, "best": trained}


def _retraining(launch: Mapping[str, Any], best: Best) -> dict[str, Any]:
    """The input with which the job is launched after its search: the search's own, with the best values."""
    plan = launch["plan"]["retrain"]
    own = plan["definitions"].get(best.definition, {})
    found = dict(plan["input"])
    # As the job's file would have them: a number that the service carries as text is a number again.
    for table, last in (("hyperparameters", decode_all(best.hyperparameters)), ("environment", {})):
        found[table] = {**found.get(table, {}), **own.get(table, {}), **last, **plan[table]}
    return found
