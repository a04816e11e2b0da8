"""Rules about time: spot, waiting, warm pools."""

from collections.abc import Iterator

from shardyard.spec.errors import Problem
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.rules.base import API, GUIDE, Facts, rule
from shardyard.spec.units import format_duration

_WARM = f"{GUIDE}, managed warm pools, considerations"


@rule(
    "max-wait-covers-max-runtime",
    reason="The time includes the run itself; SageMaker refuses the request.",
    source=f"{API}: MaxWaitTimeInSeconds `must be equal to or greater than MaxRuntimeInSeconds`",
)
def max_wait_covers_max_runtime(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A spot job may wait at least as long as it may run."""
    wait, runtime = spec.max_wait_seconds, spec.limits.max_runtime_seconds
    if wait is not None and wait < runtime:
        message = f"{format_duration(wait)} is less than limits.max_runtime ({format_duration(runtime)} or more)"
        yield Problem("spot.max_wait", message)


@rule(
    "spot-gives-up-within-max-wait",
    reason="SageMaker has stopped the job before.",
    source=f"{API}: MaxWaitTimeInSeconds",
)
def spot_gives_up_within_max_wait(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A spot job's wait for capacity is no longer than its whole time."""
    wait, give_up = spec.max_wait_seconds, spec.spot.give_up_seconds
    if wait is not None and give_up is not None and give_up > wait:
        message = f"{format_duration(give_up)} is more than spot.max_wait ({format_duration(wait)} or less)"
        yield Problem("spot.give_up", message)


@rule(
    "spot-with-fallbacks-gives-up",
    reason="SageMaker waits for spot capacity without an error, so the fallbacks would be tried hours later.",
    source=f"{GUIDE}, managed spot training, lifecycle: `Spot instances were never launched`, MaxWaitTimeExceeded",
)
def spot_with_fallbacks_gives_up(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A spot job with fallbacks says how long it waits for capacity before it tries them."""
    if spec.max_wait_seconds is not None and spec.compute.fallback and spec.spot.give_up_seconds is None:
        message = f"the first fallback would be tried after spot.max_wait ({format_duration(spec.max_wait_seconds)})"
        yield Problem("spot.give_up", f'{message}; say how long to wait for spot capacity, such as "30m"')


@rule(
    "spot-keeps-checkpoints",
    reason="An interrupted job starts again from nothing, and may never end.",
    source=f"{GUIDE}, managed spot training: use checkpoints",
)
def spot_keeps_checkpoints(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A spot job keeps checkpoints."""
    if spec.spot.enabled and not spec.checkpoints.enabled:
        message = "a spot job without checkpoints loses all its work when it is interrupted (set it to true)"
        yield Problem("checkpoints.enabled", message)


@rule(
    "spot-excludes-warm-pool",
    reason="SageMaker refuses the request: spare capacity cannot be kept.",
    source=f"{_WARM}: `cannot be used with spot instances`",
)
def spot_excludes_warm_pool(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A spot job keeps no warm pool."""
    if spec.spot.enabled and spec.compute.keep_alive_seconds is not None:
        yield Problem("compute.keep_alive", "a warm pool cannot be kept on spot instances (remove one of the two)")


@rule(
    "groups-exclude-warm-pool",
    reason="SageMaker refuses the request.",
    source=f"{_WARM}: `cannot be used with heterogeneous cluster training`",
)
def groups_exclude_warm_pool(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A heterogeneous cluster keeps no warm pool."""
    if spec.compute.groups and spec.compute.keep_alive_seconds is not None:
        yield Problem("compute.keep_alive", "a warm pool cannot be kept of instance groups (remove one of the two)")


@rule(
    "warm-pool-within-an-hour",
    reason="One of the two sources is wrong; if it is the API's, SageMaker refuses the request.",
    source=f"{_WARM}: 3600 s at most, said three times; {API}: KeepAlivePeriodInSeconds at most 21600",
)
def warm_pool_within_an_hour(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A warm pool is kept for an hour at most, which both the guide and the API allow."""
    keep_alive = spec.compute.keep_alive_seconds
    if keep_alive is not None and keep_alive > 3600:
        said = "1h or less: the developer guide allows no more, though the API's model takes 6h"
        yield Problem("compute.keep_alive", f"{format_duration(keep_alive)} is not allowed ({said})")


@rule(
    "warm-pool-within-28-days",
    reason="A warm pool ends 28 days after its first job began, whatever it was asked for.",
    source=_WARM,
)
def warm_pool_within_28_days(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """The longest runtime and the warm pool after it fit into 28 days."""
    keep_alive = spec.compute.keep_alive_seconds
    if keep_alive is not None and keep_alive + spec.limits.max_runtime_seconds > 28 * 86400:
        total = format_duration(keep_alive + spec.limits.max_runtime_seconds)
        yield Problem("compute.keep_alive", f"with limits.max_runtime it makes {total} (28d together, or less)")


@rule(
    "spot-excludes-preferences",
    reason="SageMaker refuses the request: preferences take on-demand capacity and training plans only.",
    source=f"{API}: InstancePreferences `is mutually exclusive with [...] EnableManagedSpotTraining`",
)
def spot_excludes_preferences(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A job with instance preferences does not use spot."""
    if spec.spot.enabled and spec.compute.preferences:
        message = "instance preferences exclude spot (set it to false, or list the types under compute.fallback)"
        yield Problem("spot.enabled", message)


@rule(
    "spot-excludes-training-plan",
    reason="A training plan is reserved capacity; SageMaker refuses to use spot with it.",
    source="what a training plan is: capacity reserved and paid beforehand (no sentence of the documentation)",
)
def spot_excludes_training_plan(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A job on a training plan does not use spot."""
    if spec.spot.enabled and spec.compute.training_plan is not None:
        yield Problem("spot.enabled", "a training plan is reserved capacity, not spot (remove one of the two)")


@rule(
    "queue-waits-rise",
    reason="The first pause would already be longer than any pause may be.",
    source="Shardyard's own queue",
    of=LaunchedSpec,
)
def queue_waits_rise(spec: LaunchedSpec, facts: Facts) -> Iterator[Problem]:
    """The first wait in the queue is no longer than the longest."""
    first, longest = spec.queue.first_wait_seconds, spec.queue.longest_wait_seconds
    if first > longest:
        allowed = f"{format_duration(longest)} or less, as queue.longest_wait says"
        yield Problem("queue.first_wait", f"{format_duration(first)} is not allowed ({allowed})")
