"""How many requests of which size an instance gets: the request says, else the container, else the defaults."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from embedded.services.sagemaker.jobs.running.failures import JobFailure
from embedded.services.sagemaker.serving.containers.http import Answer
from shardyard.spec.transform.packing import Strategy
from shardyard.spec.transform.plan import DEFAULT_PAYLOAD_MB

_WORDS: Mapping[Strategy, str] = {"MultiRecord": "MULTI_RECORD", "SingleRecord": "SINGLE_RECORD"}
_STRATEGIES: Mapping[Any, Strategy] = {
    "MULTI_RECORD": "MultiRecord",
    "SINGLE_RECORD": "SingleRecord",
    "MultiRecord": "MultiRecord",
    "SingleRecord": "SingleRecord",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameters:
    """The three that a container may choose."""

    concurrent: int = 1
    payload_mb: int = DEFAULT_PAYLOAD_MB
    strategy: Strategy = "MultiRecord"

    @property
    def said(self) -> str:
        """The first line of the data log."""
        strategy = _WORDS[self.strategy]
        return f"MaxConcurrentTransforms={self.concurrent}, MaxPayloadInMB={self.payload_mb}, BatchStrategy={strategy}"

    @classmethod
    def of(cls, request: Mapping[str, Any], own: Mapping[str, Any]) -> Self:
        """What the request says comes before what the container says of itself."""
        said = request.get("BatchStrategy") or own.get("BatchStrategy", "MULTI_RECORD")
        if not isinstance(said, str) or said not in _STRATEGIES:
            raise _no_parameter("BatchStrategy", said, f"one of {', '.join(_STRATEGIES)}")
        concurrent = request.get("MaxConcurrentTransforms", 0) or own.get("MaxConcurrentTransforms", 1)
        payload = request.get("MaxPayloadInMB", own.get("MaxPayloadInMB", DEFAULT_PAYLOAD_MB))
        return cls(
            concurrent=_whole("MaxConcurrentTransforms", concurrent, least=1),
            payload_mb=_whole("MaxPayloadInMB", payload, least=0),
            strategy=_STRATEGIES[said],
        )


def _whole(name: str, value: Any, *, least: int) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        number = least - 1
    if number < least:
        raise _no_parameter(name, value, f"a whole number from {least} on")
    return number


def _no_parameter(name: str, value: Any, wanted: str) -> JobFailure:
    """The request's own values are checked when the job is made: what is wrong is the container's."""
    return JobFailure(f"AlgorithmError: /execution-parameters says {name} {value!r}, and must say {wanted}")


def own_parameters(answer: Answer) -> dict[str, Any]:
    """What /execution-parameters says; nothing where the container has no such path."""
    if answer.status != 200:
        return {}
    try:
        found = json.loads(answer.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def variables(request: Mapping[str, Any]) -> dict[str, str]:
    """What the container finds in its environment; what the request leaves open is not there."""
    found = {"SAGEMAKER_BATCH": "true"}
    if "MaxPayloadInMB" in request:
        found["SAGEMAKER_MAX_PAYLOAD_IN_MB"] = str(request["MaxPayloadInMB"])
    if "BatchStrategy" in request:
        found["SAGEMAKER_BATCH_STRATEGY"] = _WORDS[request["BatchStrategy"]]
    if "MaxConcurrentTransforms" in request:
        found["SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"] = str(request["MaxConcurrentTransforms"])
    return found
