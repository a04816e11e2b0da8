"""Which request fields Step Functions' own SageMaker integration refuses, by the dated list in `shardyard.spec`."""

from collections.abc import Iterable, Mapping
from typing import Any

from shardyard.spec.requests.sfn_fields import SUPPORTED_FIELDS, unknown_to_step_functions


def unsupported_names(action: str, fields: Iterable[str]) -> list[str]:
    """The top-level fields that the integration refuses; none for an action that the list does not cover."""
    known = SUPPORTED_FIELDS.get(action)
    return [] if known is None else [field for field in fields if field not in known]


def unsupported_fields(action: str, parameters: Mapping[str, Any]) -> list[str]:
    """The fields at any depth, by their own names, that the integration refuses."""
    if action not in SUPPORTED_FIELDS:
        return []
    return [path.rpartition(".")[2] for path in unknown_to_step_functions(parameters, action)]
