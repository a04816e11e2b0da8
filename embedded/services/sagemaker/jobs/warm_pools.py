"""Warm pools: a job's instances, kept after its end for another job that asks for the same."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from embedded import clock
from embedded.services.sagemaker.jobs import capacity
from embedded.services.sagemaker.jobs.job import PooledJob


@dataclass(kw_only=True, slots=True)
class _Pool:
    job: PooledJob
    taken: dict[str, int]
    since: float
    timer: clock.Timer


_pools: dict[str, _Pool] = {}
_lock = threading.Lock()


def take(job: PooledJob) -> dict[str, int] | None:
    """Take the job's instances, out of a warm pool where one fits; None if there are not enough."""
    wanted = capacity.count_by_type(job)
    keeps = job.keep_alive_seconds > 0
    if keeps:
        with _lock:
            pool = next((pool for pool in _pools.values() if _fits(pool, job, wanted)), None)
            if pool is not None:
                _end(pool, "Reused", job.name)
                job.warm_pool = {"Status": "InUse"}
                return pool.taken
    if not capacity.take(wanted):
        return None
    if keeps:
        job.warm_pool = {"Status": "InUse"}
    return wanted


def release(job: PooledJob, taken: dict[str, int]) -> None:
    """Give a job's instances back, or keep them warm for as long as the job asked."""
    keep_seconds = job.keep_alive_seconds
    if not keep_seconds or job.status != "Completed":
        if keep_seconds:
            job.warm_pool = {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 0}
        capacity.give_back(taken)
        return
    with _lock:
        job.warm_pool = {"Status": "Available"}
        _pools[job.arn] = _Pool(job=job, taken=taken, since=clock.seconds(), timer=_timer(job.arn, keep_seconds))


def keep(job: PooledJob, keep_seconds: int) -> bool:
    """Change how long a job's instances are kept; False if they are not kept any more."""
    if job.warm_pool is None or job.warm_pool["Status"] not in ("InUse", "Available"):
        return False
    job.keep_alive_seconds = keep_seconds
    with _lock:
        pool = _pools.get(job.arn)
        if pool is not None:
            pool.timer.cancel()
            pool.timer = _timer(job.arn, max(0.0, keep_seconds - (clock.seconds() - pool.since)))
    return True


def check_quotas(job: PooledJob, others: Iterable[PooledJob], granted: capacity.QuotaLookup) -> None:
    """Refuse a job that would exceed the quota of a warm pool, in the service's words."""
    if not job.keep_alive_seconds:
        return
    holders = [other for other in others if _holds(other)]
    for instance_type, delta in capacity.count_by_type(job).items():
        used = sum(capacity.count_by_type(other).get(instance_type, 0) for other in holders)
        quota = f"{instance_type} for {job.kind.word.lower()} warm pool usage"
        capacity.check_quota(quota, used, delta, job, granted)


def _holds(job: PooledJob) -> bool:
    return job.warm_pool is not None and job.warm_pool["Status"] in ("InUse", "Available")


def _timer(arn: str, seconds: float) -> clock.Timer:
    return clock.Timer(seconds, _expire, arn)


def _fits(pool: _Pool, job: PooledJob, wanted: dict[str, int]) -> bool:
    return (
        pool.job.pool_key == job.pool_key
        and pool.taken == wanted
        and (pool.job.account, pool.job.region) == (job.account, job.region)
    )


def _end(pool: _Pool, status: str, reused_by: str | None = None) -> None:
    pool.timer.cancel()
    del _pools[pool.job.arn]
    pool.job.warm_pool = {
        "Status": status,
        "ResourceRetainedBillableTimeInSeconds": round(clock.seconds() - pool.since),
    }
    if reused_by is not None:
        pool.job.warm_pool["ReusedByJob"] = reused_by


def _expire(arn: str) -> None:
    with _lock:
        pool = _pools.get(arn)
        if pool is None:
            return
        _end(pool, "Terminated")
    capacity.give_back(pool.taken)
