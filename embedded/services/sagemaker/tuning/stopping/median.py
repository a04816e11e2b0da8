"""Early stopping by the median rule, as the service describes it for TrainingJobEarlyStoppingType Auto.

What its guide leaves open is taken from its authors' paper (Perrone et al., KDD 2021): no job is stopped in its first
epochs, in which good and bad ones look alike; how many those are is learnt from the jobs that have run to their end.
"""

import statistics
from collections.abc import Sequence

LEAST_JOBS = 3
"""Without so many jobs that have run to their end, no job is stopped."""
_GRACE = 0.1
"""Of a usual job's epochs: so long no job is stopped."""


def is_hopeless(
    values: Sequence[float], completed: Sequence[Sequence[float]], stopped: Sequence[Sequence[float]]
) -> bool:
    """Whether a job's newest value is worse than the median of the earlier jobs' running averages up to that epoch.

    Each sequence has one value per epoch; lower is better. Jobs that were stopped before that epoch do not count.
    """
    if len(completed) < LEAST_JOBS or len(values) < _GRACE * statistics.median(map(len, completed)):
        return False
    epoch = len(values)
    averages = [statistics.fmean(other[:epoch]) for other in (*completed, *stopped) if len(other) >= epoch]
    return bool(averages) and values[-1] > statistics.median(averages)
