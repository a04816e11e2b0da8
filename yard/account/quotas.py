"""Service quotas that the jobs need: how much is granted, in use and requested."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shardyard.spec.catalogue import quotas as spec_quotas
from shardyard.spec.catalogue.cost import attempts
from shardyard.spec.catalogue.service_jobs import SERVICE_JOBS
from shardyard.spec.jobs.launched import LaunchedSpec
from yard.aws import Aws
from yard.errors import UserError

_SERVICE = "sagemaker"
_OPEN = ("PENDING", "CASE_OPENED")


@dataclass(frozen=True, kw_only=True, slots=True)
class QuotaRow:
    """One quota that the jobs need."""

    quota: str
    code: str | None
    needed: float
    granted: float | None
    used: int
    pending: float | None
    """The value of an open request."""

    @property
    def state(self) -> str:
        """`ok`, `missing`, `pending`, or `unknown` where Service Quotas does not list it."""
        if self.granted is None:
            return "unknown"
        if self.granted >= self.needed:
            return "ok"
        return "pending" if self.pending is not None else "missing"


def table(aws: Aws) -> list[QuotaRow]:
    """One row per quota that any job needs."""
    jobs = aws.project.jobs()
    needed = spec_quotas.needed_together(jobs)
    granted, codes = values_and_codes(aws)
    pending, used = _pending(aws), _used(aws, {spec.kind for spec in jobs})
    return [
        QuotaRow(
            quota=name,
            code=codes.get(name),
            needed=amount,
            granted=granted.get(name),
            used=used[name],
            pending=pending.get(name),
        )
        for name, amount in needed.items()
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class JobQuota:
    """Whether the account's quotas let one job launch."""

    state: str
    """`yes`, `in use` (it fits once other jobs have ended), `no`, or `unknown` if a quota is not listed."""
    reasons: tuple[str, ...] = ()
    """A sentence for each quota that is too low."""


def by_job(aws: Aws, jobs: Iterable[LaunchedSpec]) -> dict[str, JobQuota]:
    """For each job, whether it could be launched now, on its first choice of instances or on a fallback."""
    granted, _ = values_and_codes(aws)
    specs = list(jobs)
    used = _used(aws, {spec.kind for spec in specs})
    return {spec.name: _best(spec, granted, used) for spec in specs}


def _best(spec: LaunchedSpec, granted: Mapping[str, float], used: Mapping[str, int]) -> JobQuota:
    """The first choice's answer, unless a fallback's is better."""
    found = [
        _one(spec_quotas.needed(attempt, cluster), granted, used)
        for attempt in attempts(spec)
        for cluster in attempt.compute.alternatives
    ]
    return min(found, key=lambda one: _STATES.index(one.state))


_STATES = ("yes", "unknown", "in use", "no")


def _one(needed: Mapping[str, int], granted: Mapping[str, float], used: Mapping[str, int]) -> JobQuota:
    state, reasons = "yes", []
    for name, amount in needed.items():
        held = 0 if name in spec_quotas.PER_JOB else used.get(name, 0)
        if name not in granted:
            found, said = "unknown", f"{name}: not listed, {amount} needed"
        elif amount > granted[name]:
            found, said = "no", f"{name}: {granted[name]:g} granted, {amount} needed"
        elif held + amount > granted[name]:
            found, said = "in use", f"{name}: {granted[name]:g} granted, {held} in use, {amount} needed"
        else:
            continue
        reasons.append(said)
        state = max(state, found, key=_STATES.index)
    return JobQuota(state=state, reasons=tuple(reasons))


def request(aws: Aws, name: str, value: float) -> str:
    """Request one quota, unless a request is open or the value is already granted."""
    granted, codes = values_and_codes(aws)
    if name not in codes:
        from shardyard.spec.errors import nearest

        raise UserError(f"There is no quota {name!r} in {aws.region}; {nearest(name, list(codes))}")
    if granted[name] >= value:
        return f"{name} is already {granted[name]:g}."
    asked = _pending(aws).get(name)
    if asked is not None:
        return f"A request for {asked:g} of {name} is already open; AWS takes no other until it has decided."
    answer = aws.client("service-quotas").request_service_quota_increase(
        ServiceCode=_SERVICE, QuotaCode=codes[name], DesiredValue=value
    )["RequestedQuota"]
    case = f", case {answer['CaseId']}" if answer.get("CaseId") else ""
    return f"Asked for {value:g} of {name} (now {granted[name]:g}{case})."


def values_and_codes(aws: Aws) -> tuple[dict[str, float], dict[str, str]]:
    """Values and codes by name: the applied value, else AWS's default."""
    values: dict[str, float] = {}
    codes: dict[str, str] = {}
    client = aws.client("service-quotas")
    for operation in ("list_service_quotas", "list_aws_default_service_quotas"):
        for page in client.get_paginator(operation).paginate(ServiceCode=_SERVICE):
            for found in page["Quotas"]:
                if "Value" in found:  # a quota whose value the service could not determine comes without it
                    values.setdefault(found["QuotaName"], float(found["Value"]))
                codes.setdefault(found["QuotaName"], found["QuotaCode"])
    return values, codes


def _pending(aws: Aws) -> dict[str, float]:
    pages = aws.client("service-quotas").get_paginator("list_requested_service_quota_change_history")
    return {
        found["QuotaName"]: float(found["DesiredValue"])
        for page in pages.paginate(ServiceCode=_SERVICE)
        for found in page["RequestedQuotas"]
        if found["Status"] in _OPEN
    }


def _used(aws: Aws, kinds: Collection[str]) -> Counter[str]:
    """The quota that the jobs in progress use, of every kind that the project has."""
    client = aws.client("sagemaker")
    used: Counter[str] = Counter()
    for of in [one for one in SERVICE_JOBS.values() if one.kind in kinds]:
        for page in client.get_paginator(f"list_{of.method}s").paginate(StatusEquals="InProgress"):
            for summary in page[f"{of.resource}Summaries"]:
                used.update(_held(of.describe(client, summary[of.name_field])))
    return used


def _held(job: dict[str, Any]) -> Counter[str]:
    if "ProcessingResources" in job:
        cluster = job["ProcessingResources"]["ClusterConfig"]
        # Of a list of types the service answers the one that it chose
        kind = cluster.get("SelectedInstanceType", cluster.get("InstanceType"))
        count = cluster.get("SelectedInstanceCount", cluster.get("InstanceCount", 0))
        return spec_quotas.held_by_processing(kind, count) if kind is not None else Counter()
    if "TransformResources" in job:
        return spec_quotas.held_by_transform(
            job["TransformResources"]["InstanceType"], job["TransformResources"]["InstanceCount"]
        )
    if "AutoMLJobStatus" in job:  # the jobs that it has started are counted themselves
        return Counter()
    resources, spot = job["ResourceConfig"], bool(job.get("EnableManagedSpotTraining"))
    held: Counter[str] = Counter()
    for group in resources.get("InstanceGroups") or [resources]:
        kind = group.get("SelectedInstanceType", group.get("InstanceType"))
        if kind is not None:
            held.update(spec_quotas.held_by(kind, group["InstanceCount"], spot=spot, warm=False))
    return held
