"""All fleets of one endpoint configuration: what serves an endpoint, or is on its way to."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from embedded.nodes.engine import Engine
from embedded.services.sagemaker.serving.fleets.fleet import Fleet
from embedded.services.sagemaker.serving.fleets.plan import FleetPlan
from embedded.services.sagemaker.serving.fleets.serverless import ServerlessFleet


class Generation:
    """The fleets of one configuration, with the weights of their variants."""

    def __init__(
        self,
        config: str,
        request: Mapping[str, Any],
        plans: Sequence[FleetPlan],
        shadows: Sequence[FleetPlan],
        engine: Engine,
    ) -> None:
        self.config, self.request = config, request
        self.fleets: dict[str, Fleet] = {plan.name: _fleet(plan, engine) for plan in plans}
        self.shadows: dict[str, Fleet] = {plan.name: _fleet(plan, engine) for plan in shadows}
        self.weights = {plan.name: float(plan.variant["InitialVariantWeight"]) for plan in plans}
        self.desired = {
            name: int(fleet.plan.variant.get("InitialInstanceCount", 0))
            for name, fleet in {**self.fleets, **self.shadows}.items()
        }
        """How many instances each variant is to have."""

    @property
    def capture(self) -> Mapping[str, Any] | None:
        """The DataCaptureConfig."""
        return self.request.get("DataCaptureConfig")

    @property
    def asynchronous(self) -> Mapping[str, Any] | None:
        """The AsyncInferenceConfig."""
        return self.request.get("AsyncInferenceConfig")

    def everyone(self) -> dict[str, Fleet]:
        """The fleets of production and shadow variants by name."""
        return {**self.fleets, **self.shadows}

    def start(self, counts: Mapping[str, int], check: Callable[[], None]) -> None:
        """Start so many instances of each variant; all end again if one does not become well."""
        try:
            for name, fleet in self.everyone().items():
                fleet.grow(counts[name], check)
        except BaseException:
            self.stop()
            raise

    def count(self) -> int:
        """How many instances the production variants have."""
        return sum(fleet.count for fleet in self.fleets.values())

    def choose(self, target: str | None) -> Fleet | None:
        """The variant for a request: the one that it names, or one by weight; None if there is no such one."""
        if target is not None:
            return self.fleets.get(target)
        names = [name for name, weight in self.weights.items() if weight > 0]
        if not names:
            return None
        (name,) = random.choices(names, [self.weights[name] for name in names])
        return self.fleets[name]

    def stop(self) -> None:
        """End all instances, each when its last request has been answered; waits for that."""
        for fleet in self.everyone().values():
            fleet.shrink(fleet.count)
        for fleet in self.everyone().values():
            fleet.stop()


def _fleet(plan: FleetPlan, engine: Engine) -> Fleet:
    return Fleet(plan, engine) if plan.serverless is None else ServerlessFleet(plan, engine)
