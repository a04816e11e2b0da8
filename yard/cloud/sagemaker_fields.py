"""Which request fields Step Functions' own SageMaker integration knows: the dated list of `shardyard.spec`."""

import importlib
import importlib.util
from collections.abc import Mapping
from typing import Any

_MODULE = "shardyard.spec.sfn_fields"


def unsupported_fields(action: str, parameters: Mapping[str, Any]) -> list[str]:
    """The top-level fields that the integration refuses; none for an action that the list does not cover."""
    if importlib.util.find_spec(_MODULE) is None:
        return []
    known: Mapping[str, frozenset[str]] = importlib.import_module(_MODULE).SUPPORTED_FIELDS
    return [field for field in parameters if action in known and field not in known[action]]
