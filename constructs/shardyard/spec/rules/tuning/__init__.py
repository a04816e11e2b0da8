"""The rules of a job with `[tuning]`: what SageMaker would refuse in a search, or pay for in vain."""

from shardyard.spec.rules.tuning import (  # noqa: F401  each module registers its rules, in the order of the page
    limits,
    ranges,
    strategy,
    trials,
)
