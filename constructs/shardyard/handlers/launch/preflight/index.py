"""The Preflight step: every check that is possible before anything bills, all at the same time."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from shardyard.handlers import aws
from shardyard.handlers.launch.preflight import owner_cap
from shardyard.handlers.launch.preflight.candidates import Candidates, find_candidates
from shardyard.handlers.launch.preflight.launch import Launch, read_launch
from shardyard.handlers.launch.preflight.look import Seen, look
from shardyard.handlers.launch.preflight.plan import build_candidates, build_plan, build_request, machines, replaced
from shardyard.handlers.launch.preflight.refusal import refusal
from shardyard.handlers.launch.preflight.search.accept import (
    accept,
    one_trial,
    resume_problems,
    search_request,
    unsent_problems,
)
from shardyard.handlers.launch.preflight.search.parents import parent_problems
from shardyard.handlers.launch.preflight.search.quotas import check_quotas
from shardyard.spec import names, rules
from shardyard.spec.catalogue.cost import Cost, own_prices, price_table, worst_case
from shardyard.spec.catalogue.prices import Price, snapshot_date
from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.job import JobSpec, ModelRegistry
from shardyard.spec.jobs.transform.transform import TransformSpec
from shardyard.spec.requests.transform import model_request
from shardyard.spec.tuning.cost import search_cost
from shardyard.spec.tuning.trials import searched


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Lambda's entry: the launch in; a request and a plan out, or a refusal."""
    return preflight(event, aws.clients, datetime.now(UTC))


def preflight(event: Mapping[str, Any], clients: aws.Clients, now: datetime) -> dict[str, Any]:
    """Check a launch and build its first request."""
    try:
        launch = read_launch(event)
    except SpecError as error:
        return refusal(str(event["definition"]["name"]), str(event["execution"]), error.problems)
    searching = searched(launch.spec)
    if searching is not None:
        return _search(launch, searching, clients, now)
    seen = look(launch, clients, now)
    problems = [
        *_checked(launch, seen),
        *seen.images.problems,
        *seen.channel_problems,
        *seen.file_system_problems,
        *seen.secret_problems,
    ]
    candidates = find_candidates(launch, seen)
    cost, cost_problems = _cost(launch, seen.prices)
    problems += [*candidates.problems, *cost_problems]
    if problems:
        return refusal(launch.spec.name, launch.execution, problems, run_id=launch.run_id)
    return _within_cap(launch, seen, cost, lambda: _accepted(launch, seen, candidates, cost), clients)


def _search(launch: Launch, spec: JobSpec, clients: aws.Clients, now: datetime) -> dict[str, Any]:
    """The same for a search: its trials are looked at as one job, and what they take and cost counts together."""
    seen = look(replace(launch, spec=one_trial(spec)), clients, now)
    cost, cost_problems = _cost(launch, seen.prices)
    quota_problems, notes = check_quotas(spec, seen)
    problems = [
        *_checked(launch, seen),
        *seen.images.problems,
        *seen.channel_problems,
        *seen.file_system_problems,
        *seen.secret_problems,
        *parent_problems(spec, clients),
        *resume_problems(launch),
        *quota_problems,
        *cost_problems,
    ]
    if not problems:  # a job that breaks a rule may have no request
        request = search_request(launch, spec)
        problems += unsent_problems(launch, request)
    if problems:
        return refusal(launch.spec.name, launch.execution, problems, run_id=launch.run_id)
    return _within_cap(launch, seen, cost, lambda: accept(launch, spec, seen, request, cost=cost, notes=notes), clients)


def _within_cap(
    launch: Launch, seen: Seen, cost: dict[str, Any], accepted_by: Callable[[], dict[str, Any]], clients: aws.Clients
) -> dict[str, Any]:
    """Accept the launch, unless its owner has a monthly cap that it would pass."""
    if launch.owner_cap_usd is None:
        return accepted_by()
    key = owner_cap.reserve(launch, first_attempt=seen.previous.attempts + 1, cost=cost, clients=clients)
    problem = owner_cap.over_cap(launch, key, cost, clients)
    if problem is not None:
        owner_cap.release(launch, key, clients)
        return refusal(launch.spec.name, launch.execution, [problem], run_id=launch.run_id)
    accepted = accepted_by()
    return {**accepted, "run": {**accepted["run"], "ledger": key}}


def _checked(launch: Launch, seen: Seen) -> list[Problem]:
    """The problems that the rules and the look-ups found."""
    facts = rules.Facts(
        objects={listing.channel: listing.count for listing in seen.listings},
        has_network=bool(launch.deployment.subnets),
        group_allows_itself=seen.group_allows_itself,
        container=launch.container,
        image_variants=None if launch.folder is None else tuple(launch.deployment.image_bases),
        project_tags=launch.deployment.tags,
    )
    single = [seen.source_problem, seen.previous.problem, seen.archive.problem]
    return [*rules.check(launch.spec, facts), *(problem for problem in single if problem is not None)]


def _cost(launch: Launch, prices: Mapping[str, Price]) -> tuple[dict[str, Any], list[Problem]]:
    """Compare the worst case with both caps."""
    prices = {**own_prices(launch.spec), **prices}
    searching, known = searched(launch.spec), price_table(prices)
    cost: Cost = worst_case(launch.spec, known) if searching is None else search_cost(searching, known)
    cap, whose = _cap(launch)
    problems = []
    if cost.unpriced:
        problems.append(_unpriced(launch, cost.unpriced[0], f"{whose} of {cap:.2f} USD"))
    elif cost.usd is not None and cost.usd > cap:
        lines = "; ".join(cost.lines)
        text = f"the worst case is {cost.usd:.2f} USD and {whose} is {cap:.2f} USD: {lines}"
        problems.append(Problem("cost", text))
    storage = [price.storage_usd_per_gb_month for price in prices.values()]
    return {
        "worst_case_usd": cost.usd,
        "cap_usd": cap,
        "source": cost.source,
        "lines": list(cost.lines),
        "hourly_usd": {kind: price.hourly_usd for kind, price in prices.items()},
        "storage_usd_gb_month": max(storage, default=0.0),
    }, problems


def _cap(launch: Launch) -> tuple[float, str]:
    """The least of the caps, and whose it is; one that was given at launch takes the place of the file's."""
    searching, cost = searched(launch.spec), launch.spec.cost
    tuning = None if searching is None else searching.tuning
    project = launch.project_cap_usd, "the project's cap (training.cap_usd)"
    if tuning is not None and tuning.cap_usd is not None and "cap_usd" not in launch.given.values:
        own = tuning.cap_usd, "the search's cap (tuning.cap_usd)"
    else:
        own = math.inf if cost.cap_usd is None else cost.cap_usd, "the job's cap (cost.cap_usd)"
    return own if own[0] <= project[0] else project


def _unpriced(launch: Launch, kind: str, cap: str) -> Problem:
    """A cap that cannot be checked refuses the launch."""
    where = f"neither the Pricing API nor the snapshot of {snapshot_date()} has one"
    what = f'[cost] hourly_usd = {{ "{kind}" = ... }}'
    return Problem(
        "cost",
        f"no price is known for {kind} in {launch.region} ({where}), so {cap} cannot be checked; "
        f"set its hourly price in jobs/{launch.spec.name}.toml and deploy: {what}",
    )


def _accepted(launch: Launch, seen: Seen, candidates: Candidates, cost: dict[str, Any]) -> dict[str, Any]:
    attempt = seen.previous.attempts + 1
    specs, first = candidates.specs, candidates.first
    requests = [
        build_request(spec, launch.deployment, run_id=launch.run_id, attempt=attempt, execution=launch.execution)
        for spec in specs
    ]
    unnamed = sorted({field for request in requests for field in request} ^ set(launch.fields))
    if unnamed:
        raise RuntimeError(f"the request and the state machine differ in {', '.join(unnamed)}: deploy again")
    balance = [text for text in (listing.balance() for listing in seen.listings) if text is not None]
    plan = {
        **build_plan(launch.spec, build_candidates(launch, specs, requests), first),
        "image": _image(launch.deployment.image_for(specs[first]), seen),
        "data": [listing.to_dict() for listing in seen.listings],
        "notes": [*balance, *replaced(launch, specs), *candidates.notes, *seen.images.notes],
        "machines": machines(launch, specs[first]),
    }
    if isinstance(launch.spec, JobSpec) and launch.spec.registry.enabled:
        plan["register"] = {"group": _group(launch, launch.spec.registry)}
    accepted = {"request": requests[first], "run": launch.run_record(attempt), "plan": plan, "cost": cost}
    return {**accepted, "model": _model(launch, seen)} if isinstance(launch.spec, TransformSpec) else accepted


def _model(launch: Launch, seen: Seen) -> dict[str, Any]:
    """The request of the Model that all attempts use."""
    assert isinstance(launch.spec, TransformSpec) and seen.archive.address is not None, "it has no problem"
    request = model_request(launch.spec, launch.deployment, run_id=launch.run_id, data_url=seen.archive.address)
    unnamed = sorted({*request} ^ {*launch.model_fields})
    if unnamed:
        raise RuntimeError(f"the model and the state machine differ in {', '.join(unnamed)}: deploy again")
    return request


def _image(uri: str | None, seen: Seen) -> dict[str, str | None]:
    return {"uri": uri, "digest": None if uri is None else seen.images.digests.get(uri)}


def _group(launch: Launch, registry: ModelRegistry) -> str:
    return names.model_package_group_name(
        launch.deployment.project, launch.deployment.stage, launch.spec.name, registry.group
    )
