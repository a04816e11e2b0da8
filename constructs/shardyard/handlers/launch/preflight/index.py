"""The Preflight step: every check that is possible before anything bills, all at the same time."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shardyard.handlers import aws
from shardyard.handlers.launch.preflight import owner_cap
from shardyard.handlers.launch.preflight.candidates import Candidates, find_candidates
from shardyard.handlers.launch.preflight.launch import Launch, read_launch
from shardyard.handlers.launch.preflight.look import Seen, look
from shardyard.handlers.launch.preflight.plan import build_candidates, build_plan, build_request, machines, replaced
from shardyard.handlers.launch.preflight.refusal import refusal
from shardyard.spec import names, rules
from shardyard.spec.catalogue.cost import Cost, own_prices, price_table, worst_case
from shardyard.spec.catalogue.prices import Price, snapshot_date
from shardyard.spec.errors import Problem, SpecError


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Lambda's entry: the launch in; a request and a plan out, or a refusal."""
    return preflight(event, aws.clients, datetime.now(UTC))


def preflight(event: Mapping[str, Any], clients: aws.Clients, now: datetime) -> dict[str, Any]:
    """Check a launch and build its first request."""
    try:
        launch = read_launch(event)
    except SpecError as error:
        return refusal(str(event["definition"]["name"]), str(event["execution"]), error.problems)
    seen = look(launch, clients, now)
    problems = [*_checked(launch, seen), *seen.channel_problems, *seen.file_system_problems, *seen.secret_problems]
    candidates = find_candidates(launch, seen)
    cost, cost_problems = _cost(launch, seen.prices)
    problems += [*candidates.problems, *cost_problems]
    if problems:
        return refusal(launch.spec.name, launch.execution, problems, run_id=launch.run_id)
    return _within_cap(launch, seen, candidates, cost, clients)


def _within_cap(
    launch: Launch, seen: Seen, candidates: Candidates, cost: dict[str, Any], clients: aws.Clients
) -> dict[str, Any]:
    """Accept the launch, unless its owner has a monthly cap that it would pass."""
    if launch.owner_cap_usd is None:
        return _accepted(launch, seen, candidates, cost)
    key = owner_cap.reserve(launch, first_attempt=seen.previous.attempts + 1, cost=cost, clients=clients)
    problem = owner_cap.over_cap(launch, key, cost, clients)
    if problem is not None:
        owner_cap.release(launch, key, clients)
        return refusal(launch.spec.name, launch.execution, [problem], run_id=launch.run_id)
    accepted = _accepted(launch, seen, candidates, cost)
    return {**accepted, "run": {**accepted["run"], "ledger": key}}


def _checked(launch: Launch, seen: Seen) -> list[Problem]:
    """The problems that the rules and the look-ups found."""
    facts = rules.Facts(
        objects={listing.channel: listing.count for listing in seen.listings},
        has_network=bool(launch.deployment.subnets),
        group_allows_itself=seen.group_allows_itself,
        container=launch.container,
        project_tags=launch.deployment.tags,
    )
    single = [seen.image_problem, seen.source_problem, seen.previous.problem]
    return [*rules.check(launch.spec, facts), *(problem for problem in single if problem is not None)]


def _cost(launch: Launch, prices: Mapping[str, Price]) -> tuple[dict[str, Any], list[Problem]]:
    """Compare the worst case with both caps."""
    prices = {**own_prices(launch.spec), **prices}
    cost: Cost = worst_case(launch.spec, price_table(prices))
    own = math.inf if launch.spec.cost.cap_usd is None else launch.spec.cost.cap_usd
    cap, whose = (
        (own, "the job's cap (cost.cap_usd)")
        if own <= launch.project_cap_usd
        else (launch.project_cap_usd, "the project's cap (training.cap_usd)")
    )
    problems = []
    if cost.usd is None:
        problems.append(_unpriced(launch, cost.unpriced[0], f"{whose} of {cap:.2f} USD"))
    elif cost.usd > cap:
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
        "image": {"uri": launch.deployment.image_uri, "digest": seen.image_digest},
        "data": [listing.to_dict() for listing in seen.listings],
        "notes": [*balance, *replaced(launch, specs), *candidates.notes],
        "machines": machines(launch, specs[first]),
    }
    if launch.spec.registry.enabled:
        plan["register"] = {"group": _group(launch)}
    return {"request": requests[first], "run": launch.run_record(attempt), "plan": plan, "cost": cost}


def _group(launch: Launch) -> str:
    return names.model_package_group_name(
        launch.deployment.project, launch.deployment.stage, launch.spec.name, launch.spec.registry.group
    )
