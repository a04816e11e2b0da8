"""When a search is over before its last training job: pure functions of the objectives in the order of their coming.

All values are such that lower is better.
"""

from collections.abc import Sequence

SIGNIFICANT = 0.01
"""Less of an improvement than this part of the best value counts as none; the service's own figure."""


def not_improving(losses: Sequence[float]) -> int:
    """How many training jobs have ended since the last significant improvement."""
    best: float | None = None
    count = 0
    for loss in losses:
        if best is None or best - loss > SIGNIFICANT * abs(best):
            best, count = loss, 0
        else:
            count += 1
    return count


def has_converged(losses: Sequence[float], parameters: int, at_once: int) -> bool:
    """Whether further training jobs are unlikely to find anything significantly better.

    The service keeps its own rule to itself. This one: so many jobs in a row found nothing that a search over this
    many parameters would have had the time to look around the best point from every side.
    """
    return not_improving(losses) >= max(10, 4 * parameters) + at_once
