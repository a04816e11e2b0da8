"""The rules that every endpoint must pass: at synth and in the command."""

from shardyard.spec.rules.endpoints import (  # noqa: F401  each module registers its rules
    kinds,
    places,
    rollout,
    scaling,
    variants,
)
