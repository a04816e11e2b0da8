"""The Preflight step: every check that can be made before anything is paid for, all at the same time."""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from shardyard.handlers import aws
from shardyard.handlers.launch.preflight import quotas
from shardyard.handlers.launch.preflight.groups import group_allows_itself
from shardyard.handlers.launch.preflight.image import check_image
from shardyard.handlers.launch.preflight.launch import Launch, read_launch
from shardyard.handlers.launch.preflight.objects import read_channels
from shardyard.handlers.launch.preflight.plan import build_candidates, build_plan, build_request, machines, replaced
from shardyard.handlers.launch.preflight.previous import read_previous
from shardyard.handlers.launch.preflight.pricing import read_prices
from shardyard.handlers.launch.preflight.refusal import refusal
from shardyard.handlers.launch.preflight.usage import read_usage
from shardyard.spec import names, rules
from shardyard.spec.catalogue.cost import Cost, attempts, own_prices, price_table, worst_case
from shardyard.spec.catalogue.prices import Price, snapshot_date
from shardyard.spec.catalogue.quotas import needed
from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.job import JobSpec


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Lambda's entry: the launch in; a request and a plan out, or a refusal."""
    return preflight(event, aws.clients, datetime.now(UTC))


def preflight(event: Mapping[str, Any], clients: aws.Clients, now: datetime) -> dict[str, Any]:
    """Check a launch and build its first request."""
    try:
        launch = read_launch(event)
    except SpecError as error:
        return refusal(str(event["definition"]["name"]), str(event["execution"]), error.problems)
    seen = _look(launch, clients, now)
    problems = [*_checked(launch, seen), *seen["channels"][1]]
    candidates, quota_problems, notes = _fitting(launch, seen)
    cost, cost_problems = _cost(launch, seen["prices"])
    problems += [*quota_problems, *cost_problems]
    if problems:
        return refusal(launch.spec.name, launch.execution, problems, run_id=launch.run_id)
    return _accepted(launch, seen, candidates, cost, notes)


def _look(launch: Launch, clients: aws.Clients, now: datetime) -> dict[str, Any]:
    """Ask everything that needs the network, at once."""
    spec, deployment = launch.spec, launch.deployment
    types = {kind for one in attempts(spec) for cluster in one.compute.alternatives for kind, _ in cluster}
    wanted = {name for one in attempts(spec) for cluster in one.compute.alternatives for name in needed(one, cluster)}
    asks: dict[str, Callable[[], Any]] = {
        "channels": lambda: read_channels(spec, deployment.data_bucket, clients),
        "image": lambda: _image(launch, clients),
        "source": lambda: _source(launch, clients),
        "usage": lambda: read_usage(clients),
        "values": lambda: quotas.read_values(wanted, quotas.read_codes(deployment.artifact_bucket, clients), clients),
        "prices": lambda: read_prices(types, launch.region, now.date(), clients),
        "previous": lambda: read_previous(launch, clients),
        "group_allows_itself": lambda: group_allows_itself(deployment.security_group_ids, types, clients),
    }
    with ThreadPoolExecutor(max_workers=len(asks)) as pool:
        under_way = {name: pool.submit(ask) for name, ask in asks.items()}
        return {name: future.result() for name, future in under_way.items()}


def _image(launch: Launch, clients: aws.Clients) -> tuple[str | None, Problem | None]:
    if launch.deployment.image_uri is None:
        return None, None
    return check_image(launch.deployment.image_uri, launch.account, launch.folder, clients)


def _source(launch: Launch, clients: aws.Clients) -> Problem | None:
    """A bundle of code that was named must have been uploaded."""
    source = launch.spec.source
    if source is None or source.sha256 is None:
        return None
    bucket, key = launch.deployment.artifact_bucket, names.source_key(source.sha256)
    try:
        clients("s3").head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if aws.error_code(error) not in ("404", "NoSuchKey", "NotFound", "403"):
            raise
        return Problem("source_sha256", f"there is no s3://{bucket}/{key}; upload the code with: yard train")
    return None


def _checked(launch: Launch, seen: Mapping[str, Any]) -> list[Problem]:
    """The rules, and what single looks found."""
    facts = rules.Facts(
        objects={listing.channel: listing.count for listing in seen["channels"][0]},
        has_network=bool(launch.deployment.subnets),
        group_allows_itself=seen["group_allows_itself"],
        container=launch.container,
        project_tags=launch.deployment.tags,
    )
    single = [seen["image"][1], seen["source"], seen["previous"].problem]
    return [*rules.check(launch.spec, facts), *(problem for problem in single if problem is not None)]


def _fitting(launch: Launch, seen: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem], list[str]]:
    """The attempts whose quotas suffice, where to begin, and what stands in the way if there are none."""
    fits_now: list[JobSpec] = []
    fits_later: list[JobSpec] = []
    for_ever, for_now, notes = [], [], []
    for spec in attempts(launch.spec):
        # With preferences the service takes one that fits, so the best of them counts.
        found = [quotas.lines(needed(spec, one), seen["values"], seen["usage"]) for one in spec.compute.alternatives]
        lines = min(found, key=lambda of: (len(quotas.blocked_for_ever(of)), len(quotas.blocked_now(of))))
        notes += quotas.unknown(lines)
        if quotas.blocked_for_ever(lines):
            for_ever += quotas.blocked_for_ever(lines)
        else:
            (fits_later if quotas.blocked_now(lines) else fits_now).append(spec)
            for_now += quotas.blocked_now(lines)
    usable = [spec for spec in attempts(launch.spec) if spec in fits_now or spec in fits_later]
    problems = []
    if not usable:
        problems = [Problem("quotas", text) for text in dict.fromkeys(for_ever)]
    elif not fits_now and launch.spec.queue.max_wait_seconds == 0:
        problems = [Problem("quotas", f"{text}; queue.max_wait is 0, so it does not wait") for text in for_now]
    first = usable.index(fits_now[0]) if fits_now else 0
    return {"specs": usable, "first": first}, problems, [*dict.fromkeys([*notes, *for_ever, *for_now])]


def _cost(launch: Launch, prices: Mapping[str, Price]) -> tuple[dict[str, Any], list[Problem]]:
    """The worst case against both caps."""
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
    """A cap that cannot be checked lets nothing pass."""
    where = f"neither the Pricing API nor the snapshot of {snapshot_date()} has one"
    what = f'[cost] hourly_usd = {{ "{kind}" = ... }}'
    return Problem(
        "cost",
        f"no price is known for {kind} in {launch.region} ({where}), so {cap} cannot be checked; "
        f"write what an hour of it costs into jobs/{launch.spec.name}.toml and deploy: {what}",
    )


def _accepted(
    launch: Launch, seen: Mapping[str, Any], candidates: Mapping[str, Any], cost: dict[str, Any], notes: Sequence[str]
) -> dict[str, Any]:
    attempt = seen["previous"].attempts + 1
    specs: list[JobSpec] = candidates["specs"]
    requests = [
        build_request(spec, launch.deployment, run_id=launch.run_id, attempt=attempt, execution=launch.execution)
        for spec in specs
    ]
    first = candidates["first"]
    unnamed = sorted({field for request in requests for field in request} ^ set(launch.fields))
    if unnamed:
        raise RuntimeError(f"the request and the state machine differ in {', '.join(unnamed)}: deploy again")
    listings = seen["channels"][0]
    balance = [text for text in (listing.balance() for listing in listings) if text is not None]
    plan = {
        **build_plan(launch.spec, build_candidates(launch, specs, requests), first),
        "image": {"uri": launch.deployment.image_uri, "digest": seen["image"][0]},
        "data": [listing.to_dict() for listing in listings],
        "notes": [*balance, *replaced(launch, specs), *notes],
        "machines": machines(specs[first]),
    }
    if launch.spec.registry.enabled:
        plan["register"] = {"group": _group(launch)}
    return {"request": requests[first], "run": launch.run(attempt), "plan": plan, "cost": cost}


def _group(launch: Launch) -> str:
    return names.model_package_group_name(
        launch.deployment.project, launch.deployment.stage, launch.spec.name, launch.spec.registry.group
    )
