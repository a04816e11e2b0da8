"""A request to an endpoint: what of it reaches the container, and what says where it goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embedded.operations import Params
from embedded.services.sagemaker.serving.endpoints.endpoint import Endpoint
from embedded.services.sagemaker.serving.fleets.fleet import Fleet
from embedded.services.sagemaker.serving.invocations.errors import invalid

_PASSED_ON = {
    "ContentType": "Content-Type",
    "Accept": "Accept",
    "CustomAttributes": "X-Amzn-SageMaker-Custom-Attributes",
    "TargetModel": "X-Amzn-SageMaker-Target-Model",
    "TargetVariant": "X-Amzn-SageMaker-Target-Variant",
    "TargetContainerHostname": "X-Amzn-SageMaker-Target-Container-Hostname",
    "InferenceId": "X-Amzn-SageMaker-Inference-Id",
}
"""The headers that are not stripped."""
_REFUSED = {
    "EnableExplanations": "SageMaker Clarify's explanations are not emulated",
    "InferenceComponentName": "inference components are not emulated",
    "SessionId": "sessions of stateful models are not emulated",
    "PrefixAwareId": "PREFIX_AWARE and KV_AWARE routing are not emulated",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Inference:
    """One inference that is asked for."""

    body: bytes
    headers: Mapping[str, str]
    """For the container."""
    variant: str | None
    model: str | None
    container: str | None
    inference_id: str | None

    @property
    def content_type(self) -> str:
        """What the body is said to be; nothing is assumed where the caller does not say."""
        return self.headers.get("Content-Type", "")


def read(params: Params) -> Inference:
    """The inference that a request asks for; what is not emulated is refused by name."""
    for name, why in _REFUSED.items():
        if params.get(name):
            raise invalid(f"{name}: {why}.")
    body: Any = params.get("Body", b"")
    return Inference(
        body=body.encode() if isinstance(body, str) else bytes(body),
        headers={header: params[name] for name, header in _PASSED_ON.items() if params.get(name)},
        variant=params.get("TargetVariant"),
        model=params.get("TargetModel"),
        container=params.get("TargetContainerHostname"),
        inference_id=params.get("InferenceId"),
    )


def check_target(endpoint: Endpoint, fleet: Fleet, inference: Inference) -> None:
    """Refuse a target that the variant does not have, and ask for one that it needs."""
    plan = fleet.plan
    if plan.is_direct and inference.container is None:
        raise invalid(
            f"TargetContainerHostname is required: the containers of endpoint {endpoint.name} are invoked directly. "
            f"They are {', '.join(plan.container_names())}."
        )
    if inference.container is not None and not plan.is_direct:
        raise invalid(
            f"TargetContainerHostname {inference.container}: the model of the variant {plan.name} has no containers "
            "that are invoked directly (InferenceExecutionConfig.Mode Direct)."
        )
    if inference.container is not None and inference.container not in plan.container_names():
        known = ", ".join(plan.container_names())
        raise invalid(f"TargetContainerHostname {inference.container}: the containers are {known}.")
    if plan.is_multi_model and not plan.is_direct and inference.model is None:
        raise invalid(f"TargetModel is required: endpoint {endpoint.name} is a multi-model endpoint.")
    if inference.model is not None and not plan.is_multi_model:
        raise invalid(f"TargetModel {inference.model}: endpoint {endpoint.name} is not a multi-model endpoint.")
