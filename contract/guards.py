"""When a run that wastes its instances is ended: what a job may say, and what holds where it says nothing."""

LONGEST_SILENCE_SECONDS = 7200
"""The default: no line of output from any rank, and no file of a result. A tenth of the default of `max_runtime`.

Programs that speak once an epoch are silent for an hour at times, hardly for two. A hang costs two hours of the
instances then, not a day of them.
"""

SLOW_RANK_STEPS = 20
"""Ranks are compared by the medians over so many steps."""

SLOW_RANK_RATIO = 1.5
"""The default: how many times as long as the others a rank takes that is slow."""

SLOW_RANK_METRIC = "slow_rank_ratio"
"""The metric that says how many times as long as the others the slowest rank takes."""

WARNING = "launcher: warning: "
"""Begins a line of the log that a person should see who only looks at the run's status."""
