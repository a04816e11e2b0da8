"""The plan of a search: what is searched, on what, and what all of it costs at most."""

from typing import TYPE_CHECKING, Any

from shardyard.spec.units import format_duration

if TYPE_CHECKING:
    from yard.plan import LaunchPlan


def as_facts(plan: "LaunchPlan") -> dict[str, Any]:
    """What a person reads before a search begins."""
    from shardyard.spec.tuning.trials import kinds, most_trials, search_in, trial_jobs, tuning_of

    spec = search_in(plan.spec)
    tuning = tuning_of(spec)
    instances = dict.fromkeys(
        ", ".join(f"{count} x {kind}" for kind, count in trial.compute.alternatives[0]) for _, trial in trial_jobs(spec)
    )
    limit = tuning.max_runtime_seconds
    return {
        "job": spec.name,
        "search": f"{tuning.strategy}, {tuning.objective.goal.lower()} {tuning.objective.metric}",
        "ranges": "; ".join(
            f"{'' if kind.name is None else f'{kind.name}: '}{name} {_range(one)}"
            for kind in kinds(spec)
            for name, one in kind.ranges.items()
        ),
        "hyperparameters": ", ".join(f"{name}={value}" for name, value in spec.hyperparameters.items()),
        "trials": f"{most_trials(spec)}, {tuning.max_parallel} at once",
        "each_on": " or ".join(instances),
        "capacity": "spot" if spec.spot.enabled else "on demand",
        "longest_trial": format_duration(spec.limits.max_runtime_seconds),
        "longest_search": None if limit is None else format_duration(limit),
        "afterwards": ", ".join(_afterwards(tuning)) or None,
        "worst_case": "; ".join(plan.cost.lines[-2:]),
    }


def _afterwards(tuning: Any) -> list[str]:
    said = ["the best model is registered"] if tuning.register else []
    return said + (["the job is launched with the best values, at its own cost"] if tuning.retrain.enabled else [])


def _range(one: Any) -> str:
    if one.type == "categorical":
        return "one of " + ", ".join(one.texts)
    if one.type == "auto":
        return f"around {one.hint}"
    least, most = one.bounds
    return f"{least} to {most}{'' if one.scaling is None else f' ({one.scaling.lower()})'}"


def plan_as_json(plan: "LaunchPlan") -> dict[str, Any]:
    """The same for a program."""
    return {**plan.spec.to_dict(), "sources": plan.sources, "worst_case": plan.cost.to_dict()}
