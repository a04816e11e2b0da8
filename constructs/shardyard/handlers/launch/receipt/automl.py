"""What an AutoML job has found and what it cost: its candidates, and the jobs that SageMaker started for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shardyard.handlers import aws
from shardyard.handlers.launch.described import read
from shardyard.handlers.launch.receipt.attempts import account, with_snapshot_prices
from shardyard.spec.catalogue.behind_automl import behind, candidates
from shardyard.spec.catalogue.service_jobs import AUTOML

_SUMMED = ("billable_seconds", "cost_usd", "undiscounted_usd")


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One AutoML job, as its receipt tells it."""

    line: Mapping[str, Any]
    """The job as an attempt, with what its own jobs cost together."""
    table: Mapping[str, Any]
    """Its candidates."""
    cost: Mapping[str, Any]


def read_automl(described: Mapping[str, Any], cost: Mapping[str, Any], region: str, clients: aws.Clients) -> Found:
    """Look at the candidates of an AutoML job, and at each job behind them once."""
    sagemaker = clients("sagemaker")
    found = list(candidates(sagemaker, described[AUTOML.name_field]))
    steps = dict.fromkeys(step for one in found for step in behind(one))
    answers = aws.in_parallel(lambda step: aws.describe_job(sagemaker, step.name, step.of), steps)
    jobs = [(step.of, job) for step, job in zip(steps, answers, strict=True) if job is not None]
    cost = with_snapshot_prices(cost, [read(of, job) for of, job in jobs], region)
    lines = [account(job, cost, of) for of, job in jobs]
    told = account(described, cost, AUTOML)
    return Found(line={**told, **_sums(lines)}, table=_table(described, found, len(jobs)), cost=cost)


def best_of(described: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a receipt says of a job's best candidate: its metrics, and the model."""
    best = described.get("BestCandidate", {})
    metric = best.get("FinalAutoMLJobObjectiveMetric")
    model = next((one["ModelDataUrl"] for one in reversed(best.get("InferenceContainers", []))), None)
    return {
        "metrics": {} if metric is None else {metric["MetricName"]: metric["Value"]},
        "model": model if described.get(AUTOML.status_field) == "Completed" else None,
    }


def _sums(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What all of them cost together; unknown where one is, and where none is listed."""
    if not lines:
        return {"billable_seconds": 0, "cost_usd": None, "undiscounted_usd": None}
    known = {name: [line[name] for line in lines] for name in _SUMMED}
    return {
        name: None if any(one is None for one in values) else round(sum(values), 4) for name, values in known.items()
    }


def _table(described: Mapping[str, Any], found: Sequence[Mapping[str, Any]], jobs: int) -> dict[str, Any]:
    best = described.get("BestCandidate", {}).get("CandidateName")
    stands_in = [one["PartialFailureMessage"] for one in described.get("PartialFailureReasons", [])]
    return {
        "job": described[AUTOML.name_field],
        "problem": described.get("AutoMLProblemTypeConfigName"),
        "objective": described.get("ResolvedAttributes", {}).get("AutoMLJobObjective", {}).get("MetricName"),
        "best": best,
        "said": stands_in,
        "jobs": jobs,
        "candidates": [
            {
                "name": one["CandidateName"],
                "status": one["CandidateStatus"],
                "value": one.get("FinalAutoMLJobObjectiveMetric", {}).get("Value"),
            }
            for one in found
        ],
    }
