"""The worst-case cost of a search: every trial for its longest time, unless the search itself ends before."""

from shardyard.spec.catalogue.cost import Cost, PriceOf, worst_case
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.tuning.trials import most_trials, searched, trial_jobs, tuning_of
from shardyard.spec.units import format_duration


def search_cost(spec: JobSpec, price_of: PriceOf) -> Cost:
    """The most that a search can cost, with all its trials on their most expensive instances.

    Instances that SageMaker keeps between trials bill to nobody: a search has no warm pool of its own to pay.
    """
    tuning, count = tuning_of(spec), most_trials(spec)
    trials = [(job, worst_case(job, price_of)) for _, job in trial_jobs(spec)]
    unpriced = tuple(dict.fromkeys(kind for _, cost in trials for kind in cost.unpriced))
    if unpriced:
        return next(cost for _, cost in trials if cost.unpriced)
    if count is None:
        said = "tuning.max_jobs is missing, so the number of trials and the worst case are unknown"
        return Cost(usd=None, source="none", lines=(said,))
    job, dearest = max(trials, key=lambda trial: trial[1].usd or 0.0)
    one, seconds = dearest.usd or 0.0, job.limits.max_runtime_seconds
    usd = count * one
    lines = [*dearest.lines[:-1], f"{count} trials x {one:.2f} USD = {usd:.2f} USD"]
    limit = tuning.max_runtime_seconds
    if limit is not None:
        together = min(count, tuning.max_parallel) * one * limit / seconds
        if together < usd:
            usd = together
            at_once = f"{min(count, tuning.max_parallel)} at once for {format_duration(limit)}"
            lines.append(f"the search ends after tuning.max_runtime: {at_once} = {usd:.2f} USD")
    return Cost(usd=round(usd, 2), source=dearest.source, lines=(*lines, f"at most {usd:.2f} USD ({dearest.source})"))


def dearest_launch(spec: LaunchedSpec, price_of: PriceOf) -> float | None:
    """The most that one launch can cost, be it of the job or of its search; None where that is unknown."""
    tuned, known = searched(spec), worst_case(spec, price_of).usd
    if tuned is None or known is None:
        return known
    search = search_cost(tuned, price_of).usd
    return None if search is None else max(known, search)
