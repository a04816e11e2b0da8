"""What the training jobs of a tuning job have in common: one of the request's definitions, and its search space."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from embedded.services.sagemaker.tuning.search.space import Space, read_space

OBJECTIVE_PARAMETER = "_tuning_objective_metric"
"""The hyperparameter in which every training job is told what is searched for."""

_COPIED = (
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "VpcConfig",
    "OutputDataConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "RetryStrategy",
    "Environment",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Definition:
    """One TrainingJobDefinition, with the objective and the ranges that hold for it."""

    request: Mapping[str, Any]
    objective_type: str
    """`Maximize` or `Minimize`."""
    metric: str
    ranges: Mapping[str, Any]
    space: Space

    @property
    def name(self) -> str | None:
        """The DefinitionName; None for a definition without one."""
        return self.request.get("DefinitionName")

    @property
    def statics(self) -> Mapping[str, str]:
        """The StaticHyperParameters."""
        statics: Mapping[str, str] = self.request.get("StaticHyperParameters", {})
        return statics

    @property
    def resources(self) -> Sequence[Mapping[str, Any]]:
        """A ResourceConfig for a training job, in the order in which they are tried."""
        if "ResourceConfig" in self.request:
            return [self.request["ResourceConfig"]]
        config = self.request.get("HyperParameterTuningResourceConfig", {})
        shared = {key: config[key] for key in ("VolumeKmsKeyId",) if key in config}
        own = {key: config[key] for key in ("InstanceType", "InstanceCount", "VolumeSizeInGB") if key in config}
        return [{**one, **shared} for one in config.get("InstanceConfigs", [own])]

    def loss(self, value: float) -> float:
        """A value of the objective so that lower is better."""
        return -value if self.objective_type == "Maximize" else value

    def training_request(self, name: str, values: Mapping[str, str], *, config: int = 0) -> dict[str, Any]:
        """The CreateTrainingJob request for some values."""
        request = {field: self.request[field] for field in _COPIED if field in self.request}
        request["TrainingJobName"] = name
        request["ResourceConfig"] = dict(self.resources[config])
        request["HyperParameters"] = {OBJECTIVE_PARAMETER: self.metric, **self.statics, **values}
        return request

    def shown(self) -> dict[str, Any]:
        """As Describe answers it: with the hyperparameter that the service adds."""
        return {**self.request, "StaticHyperParameters": {OBJECTIVE_PARAMETER: self.metric, **self.statics}}


def read_definitions(request: Mapping[str, Any]) -> tuple[Definition, ...]:
    """The definitions of a request that was checked before."""
    config = request["HyperParameterTuningJobConfig"]
    found = request.get("TrainingJobDefinitions")
    if found is None:
        objective, ranges = config["HyperParameterTuningJobObjective"], config.get("ParameterRanges", {})
        return (_definition(request["TrainingJobDefinition"], objective, ranges),)
    return tuple(_definition(one, one["TuningObjective"], one["HyperParameterRanges"]) for one in found)


def _definition(request: Mapping[str, Any], objective: Mapping[str, str], ranges: Mapping[str, Any]) -> Definition:
    return Definition(
        request=request,
        objective_type=objective["Type"],
        metric=objective["MetricName"],
        ranges=ranges,
        space=read_space(ranges),
    )
