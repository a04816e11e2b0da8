"""What a fleet is made from: one variant of one endpoint configuration, with its model as it was then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from embedded.operations import Call
from embedded.services.sagemaker.serving.containers.container import START_SECONDS
from embedded.services.sagemaker.serving.records.model_rules import containers_of
from embedded.services.sagemaker.serving.records.packages import resolved
from embedded.services.sagemaker.serving.records.store import models

SERVERLESS_START_SECONDS = 180.0
_DEFAULT_STRATEGY = "RANDOM"


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetPlan:
    """One variant, ready to be started; it can be kept and started again later."""

    account: str
    region: str
    endpoint: str
    config: str
    """The endpoint configuration's name."""
    variant: Mapping[str, Any]
    """The ProductionVariant."""
    model: Mapping[str, Any]
    """What CreateModel was asked."""
    definitions: Sequence[Mapping[str, Any]]
    """The model's containers, in order, each with an image."""
    is_asynchronous: bool = False

    @property
    def name(self) -> str:
        """The variant's name."""
        return str(self.variant["VariantName"])

    @property
    def instance_type(self) -> str | None:
        """None for a serverless variant."""
        return self.variant.get("InstanceType")

    @property
    def serverless(self) -> Mapping[str, Any] | None:
        """The ServerlessConfig."""
        return self.variant.get("ServerlessConfig")

    @property
    def is_direct(self) -> bool:
        """Whether each request names its container."""
        return bool(self.model.get("InferenceExecutionConfig", {}).get("Mode") == "Direct")

    @property
    def is_multi_model(self) -> bool:
        """Whether its container loads models as requests name them."""
        return any(one.get("Mode") == "MultiModel" for one in self.definitions)

    @property
    def strategy(self) -> str:
        """The RoutingStrategy."""
        return str(self.variant.get("RoutingConfig", {}).get("RoutingStrategy", _DEFAULT_STRATEGY))

    @property
    def start_seconds(self) -> float:
        """How long a container may take to its first healthy ping."""
        default = START_SECONDS if self.serverless is None else SERVERLESS_START_SECONDS
        return float(self.variant.get("ContainerStartupHealthCheckTimeoutInSeconds", default))

    @property
    def log_group(self) -> str:
        """The endpoint's log group."""
        return f"/aws/sagemaker/Endpoints/{self.endpoint}"

    def container_names(self) -> list[str]:
        """How each container is called: by its hostname, or by its place."""
        return [one.get("ContainerHostname", f"container-{index}") for index, one in enumerate(self.definitions, 1)]

    def log_stream(self, instance: str, container: str) -> str:
        """The log stream of one container of an instance."""
        stream = f"{self.name}/{instance}"
        if self.is_asynchronous:
            return f"{stream}/data-log"
        return stream if len(self.definitions) == 1 else f"{stream}/{container}"


def of_config(call: Call, endpoint: str, config: str, request: Mapping[str, Any], key: str) -> list[FleetPlan]:
    """A plan for each variant of a configuration; `key` is ProductionVariants or ShadowProductionVariants."""
    plans = []
    for variant in request.get(key, ()):
        model = models.get(call, variant["ModelName"]).request
        plans.append(
            FleetPlan(
                account=call.account,
                region=call.region,
                endpoint=endpoint,
                config=config,
                variant=variant,
                model=model,
                definitions=[resolved(call, one) for one in containers_of(model)],
                is_asynchronous="AsyncInferenceConfig" in request,
            )
        )
    return plans
