"""Security Hub's 25 controls for SageMaker, as rules on templates. Source: the Security Hub user guide, page
"Security Hub CSPM controls for SageMaker AI", read 2026-11-20."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from checks.rules.model import Assembly, Finding, Resource, as_list, at, is_known

Test = Callable[[Mapping[str, Any]], bool]
Accepts = Callable[[Resource], bool]
_SCHEDULE = "MonitoringScheduleConfig.MonitoringJobDefinition.NetworkConfig"

BUILT: Mapping[str, str] = {
    "EndpointConfig": "`constructs/shardyard/serving/endpoint.py`",
    "Model": "`constructs/shardyard/serving/endpoint.py`",
    "NotebookInstance": "`constructs/shardyard/workspaces/notebooks.py`",
}
"""The resource types under a control that this project makes, and where."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """What a control finds and this project accepts."""

    covers: Accepts
    reason: str
    """Why it is right, for a security reviewer."""


ACCEPTED: Mapping[int, Accepted] = {
    4: Accepted(
        covers=lambda config: any(f"-{stage}-" in config.stack for stage in ("dev", "staging")),
        reason="Outside of prod an endpoint may have one instance: a second one doubles what it bills. In prod the one "
        "that ships has two.",
    ),
    16: Accepted(
        covers=lambda model: ".dkr.ecr." in json.dumps(model.properties.get("PrimaryContainer", {}).get("Image")),
        reason="The image lies in a repository of ECR, which is private without being inside the VPC; SageMaker pulls "
        "it by the endpoint's own role.",
    ),
}
"""By the number of the control."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """One control, and what a resource's properties must be for it to pass."""

    number: int
    """Its number: SageMaker.<number>."""
    title: str
    """What Security Hub says."""
    type: str
    """The resource type, without `AWS::SageMaker::`."""
    passes: Test
    """Whether the properties of one resource meet it."""

    @property
    def id(self) -> str:
        """The control's name."""
        return f"SageMaker.{self.number}"

    def check(self, assembly: Assembly) -> Iterator[Finding]:
        """The resources that do not meet it."""
        for resource in assembly.resources(f"AWS::SageMaker::{self.type}"):
            accepted = ACCEPTED.get(self.number)
            if not self.passes(resource.properties) and not (accepted is not None and accepted.covers(resource)):
                yield Finding(rule=self.id, where=resource.where, message=self.title)


def _equals(path: str, value: Any) -> Test:
    """The property has this value; what only the deploy knows passes, what is absent does not."""

    def test(properties: Mapping[str, Any]) -> bool:
        found = at(properties, path)
        return found is not None and (not is_known(found) or found == value)

    return test


def _present(path: str) -> Test:
    return lambda properties: bool(at(properties, path))


def _several_instances(properties: Mapping[str, Any]) -> bool:
    counts = [variant.get("InitialInstanceCount") for variant in as_list(properties.get("ProductionVariants"))]
    # A serverless variant has no count, and Security Hub leaves it alone.
    return all(count is None or not is_known(count) or int(count) > 1 for count in counts)


def _private_registry(names: str) -> Test:
    def test(properties: Mapping[str, Any]) -> bool:
        return all(
            at(container, "ImageConfig.RepositoryAccessMode") == "Vpc" for container in as_list(properties.get(names))
        )

    return test


def _encrypted_between(properties: Mapping[str, Any]) -> bool:
    count = at(properties, "JobResources.ClusterConfig.InstanceCount")
    alone = isinstance(count, int) and count < 2
    return alone or at(properties, "NetworkConfig.EnableInterContainerTrafficEncryption") is True


def _store_encrypted(store: str, key: str) -> Test:
    return lambda properties: store not in properties or bool(at(properties, f"{store}.{key}"))


def _online_encrypted(properties: Mapping[str, Any]) -> bool:
    # The in-memory tier is not in this control's scope.
    in_memory = at(properties, "OnlineStoreConfig.StorageType") == "InMemory"
    return in_memory or _store_encrypted("OnlineStoreConfig", "SecurityConfig.KmsKeyId")(properties)


_ISOLATED = _equals("NetworkConfig.EnableNetworkIsolation", True)
_ENCRYPTED = _equals("NetworkConfig.EnableInterContainerTrafficEncryption", True)


def _control(number: int, type_: str, title: str, passes: Test) -> Control:
    return Control(number=number, title=title, type=type_, passes=passes)


CONTROLS = (
    _control(
        1,
        "NotebookInstance",
        "Notebook instances should not have direct internet access",
        _equals("DirectInternetAccess", "Disabled"),
    ),
    _control(2, "NotebookInstance", "Notebook instances should be launched in a custom VPC", _present("SubnetId")),
    _control(
        3,
        "NotebookInstance",
        "Users should not have root access to notebook instances",
        _equals("RootAccess", "Disabled"),
    ),
    _control(
        4,
        "EndpointConfig",
        "Endpoint production variants should have an initial instance count greater than 1",
        _several_instances,
    ),
    _control(5, "Model", "Models should have network isolation enabled", _equals("EnableNetworkIsolation", True)),
    _control(6, "AppImageConfig", "App image configurations should be tagged", _present("Tags")),
    _control(7, "Image", "Images should be tagged", _present("Tags")),
    _control(
        8,
        "NotebookInstance",
        "Notebook instances should run on supported platforms",
        _equals("PlatformIdentifier", "notebook-al2023-v1"),
    ),
    _control(
        9,
        "DataQualityJobDefinition",
        "Data quality job definitions should have inter-container traffic encryption enabled",
        _ENCRYPTED,
    ),
    _control(
        10,
        "ModelExplainabilityJobDefinition",
        "Model explainability job definitions should have inter-container traffic encryption enabled",
        _ENCRYPTED,
    ),
    _control(
        11,
        "DataQualityJobDefinition",
        "Data quality job definitions should have network isolation enabled",
        _ISOLATED,
    ),
    _control(
        12, "ModelBiasJobDefinition", "Model bias job definitions should have network isolation enabled", _ISOLATED
    ),
    _control(
        13,
        "ModelQualityJobDefinition",
        "Model quality job definitions should have inter-container traffic encryption enabled",
        _ENCRYPTED,
    ),
    _control(
        14,
        "MonitoringSchedule",
        "Monitoring schedules should have network isolation enabled",
        _equals(f"{_SCHEDULE}.EnableNetworkIsolation", True),
    ),
    _control(
        15,
        "ModelBiasJobDefinition",
        "Model bias job definitions should have inter-container traffic encryption enabled",
        _encrypted_between,
    ),
    _control(
        16,
        "Model",
        "Models should use private registry in VPC for primary containers",
        _private_registry("PrimaryContainer"),
    ),
    _control(
        17,
        "FeatureGroup",
        "Feature group offline stores should be encrypted with AWS KMS keys",
        _store_encrypted("OfflineStoreConfig", "S3StorageConfig.KmsKeyId"),
    ),
    _control(
        18,
        "FeatureGroup",
        "Feature group online stores with standard storage should be encrypted with AWS KMS keys",
        _online_encrypted,
    ),
    _control(
        19,
        "Model",
        "Models should use private registry in VPC for multi-container inference pipelines",
        _private_registry("Containers"),
    ),
    _control(
        20,
        "ModelExplainabilityJobDefinition",
        "Model explainability job definitions should have network isolation enabled",
        _ISOLATED,
    ),
    _control(
        21,
        "NotebookInstance",
        "Notebook instances should be encrypted with customer managed AWS KMS keys",
        _present("KmsKeyId"),
    ),
    _control(
        22,
        "MonitoringSchedule",
        "Monitoring schedules should have inter-container traffic encryption enabled",
        _equals(f"{_SCHEDULE}.EnableInterContainerTrafficEncryption", True),
    ),
    _control(
        23,
        "InferenceExperiment",
        "Inference experiments should have instance storage volume encrypted with customer managed AWS KMS keys",
        _present("KmsKey"),
    ),
    _control(
        24,
        "InferenceExperiment",
        "Inference experiments should have data storage encrypted with customer managed AWS KMS keys",
        _store_encrypted("DataStorageConfig", "KmsKey"),
    ),
    _control(
        25,
        "ModelQualityJobDefinition",
        "Model quality job definitions should have network isolation enabled",
        _ISOLATED,
    ),
)
