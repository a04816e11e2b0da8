"""How many instances of each type there are and are used: capacity that can run out, and quotas."""

import threading
from collections.abc import Callable, Iterable

from embedded.operations import ServiceError
from embedded.services.sagemaker.jobs.job import TERMINAL, Job

QuotaLookup = Callable[[str, str, str], float | None]

_limits: dict[str, int] = {}
_used: dict[str, int] = {}
_changed = threading.Condition()


def set_limit(instance_type: str, count: int | None) -> None:
    """Set how many instances of a type the cloud has; None for no limit."""
    with _changed:
        if count is None:
            _limits.pop(instance_type, None)
        else:
            _limits[instance_type] = count
        _changed.notify_all()


def limits() -> dict[str, int]:
    """The limited instance types, each with its limit."""
    with _changed:
        return dict(_limits)


def take(wanted: dict[str, int]) -> bool:
    """Take these instances if there are enough of each type."""
    with _changed:
        for instance_type, count in wanted.items():
            limit = _limits.get(instance_type)
            if limit is not None and _used.get(instance_type, 0) + count > limit:
                return False
        for instance_type, count in wanted.items():
            _used[instance_type] = _used.get(instance_type, 0) + count
        return True


def give_back(taken: dict[str, int]) -> None:
    """Give instances back."""
    with _changed:
        for instance_type, count in taken.items():
            _used[instance_type] -= count
        _changed.notify_all()


def wait_for_change(seconds: float) -> None:
    """Wait until instances were given back or a limit has changed, at most this long."""
    with _changed:
        _changed.wait(seconds)


def count_by_type(job: Job) -> dict[str, int]:
    """How many instances of each type a job uses."""
    counts: dict[str, int] = {}
    for instance_type, _ in job.instances():
        counts[instance_type] = counts.get(instance_type, 0) + 1
    return counts


def check_quotas(job: Job, others: Iterable[Job], granted: QuotaLookup) -> None:
    """Refuse a job that would exceed a quota, in the service's words."""
    running = [other for other in others if other.status not in TERMINAL]
    use = f"spot {job.kind.noun}" if job.is_spot else job.kind.noun
    for instance_type, delta in count_by_type(job).items():
        same_kind = [other for other in running if other.is_spot == job.is_spot]
        used = sum(count_by_type(other).get(instance_type, 0) for other in same_kind)
        check_quota(f"{instance_type} for {use} usage", used, delta, job, granted)
    in_all = sum(len(other.instances()) for other in running)
    check_quota(f"Number of instances across all {job.kind.noun}s", in_all, len(job.instances()), job, granted)


def check_quota(quota: str, used: int, delta: int, job: Job, granted: QuotaLookup, *, unit: str = "Instances") -> None:
    """Refuse a job that would exceed one quota."""
    limit = granted(job.account, job.region, quota)
    if limit is None or used + delta <= limit:
        return
    raise ServiceError(
        "ResourceLimitExceeded",
        f"The account-level service limit '{quota}' is {limit:.15g} {unit}, with current utilization of {used} "
        f"{unit} and a request delta of {delta} {unit}. Please use AWS Service Quotas to request an increase "
        "for this quota. If AWS Service Quotas is not available, contact AWS support to request an increase for "
        "this quota.",
    )
