"""Security Hub's SageMaker controls: for each a template that passes and one that fails."""

from typing import Any

import pytest

from checks.rules.model import Assembly
from checks.rules.security_hub import CONTROLS, Control

ISOLATED = {"NetworkConfig": {"EnableNetworkIsolation": True}}
ENCRYPTED = {"NetworkConfig": {"EnableInterContainerTrafficEncryption": True}}
TWO_HOSTS = {"JobResources": {"ClusterConfig": {"InstanceCount": 2}}}


def scheduled(network: dict[str, Any]) -> dict[str, Any]:
    return {"MonitoringScheduleConfig": {"MonitoringJobDefinition": {"NetworkConfig": network}}}


VPC_IMAGE = {"ImageConfig": {"RepositoryAccessMode": "Vpc"}}
PLATFORM_IMAGE = {"ImageConfig": {"RepositoryAccessMode": "Platform"}}

EXAMPLES: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {
    1: ({"DirectInternetAccess": "Disabled"}, {"DirectInternetAccess": "Enabled"}),
    2: ({"SubnetId": {"Ref": "Subnet"}}, {}),
    3: ({"RootAccess": "Disabled"}, {}),
    4: (
        {"ProductionVariants": [{"InitialInstanceCount": 2}, {"ServerlessConfig": {}}]},
        {"ProductionVariants": [{"InitialInstanceCount": 2}, {"InitialInstanceCount": 1}]},
    ),
    5: ({"EnableNetworkIsolation": True}, {"EnableNetworkIsolation": False}),
    6: ({"Tags": [{"Key": "a", "Value": "b"}]}, {"Tags": []}),
    7: ({"Tags": [{"Key": "a", "Value": "b"}]}, {}),
    8: ({"PlatformIdentifier": "notebook-al2023-v1"}, {"PlatformIdentifier": "notebook-al2-v3"}),
    9: (ENCRYPTED, ISOLATED),
    10: (ENCRYPTED, {}),
    11: (ISOLATED, ENCRYPTED),
    12: (ISOLATED, {"NetworkConfig": {"EnableNetworkIsolation": False}}),
    13: (ENCRYPTED, {"NetworkConfig": {"EnableInterContainerTrafficEncryption": False}}),
    14: (scheduled({"EnableNetworkIsolation": True}), scheduled({})),
    15: ({**TWO_HOSTS, **ENCRYPTED}, {**TWO_HOSTS, **ISOLATED}),
    16: ({"PrimaryContainer": VPC_IMAGE}, {"PrimaryContainer": PLATFORM_IMAGE}),
    17: (
        {"OfflineStoreConfig": {"S3StorageConfig": {"KmsKeyId": "key"}}},
        {"OfflineStoreConfig": {"S3StorageConfig": {"S3Uri": "s3://bucket"}}},
    ),
    18: (
        {"OnlineStoreConfig": {"SecurityConfig": {"KmsKeyId": "key"}}},
        {"OnlineStoreConfig": {"EnableOnlineStore": True}},
    ),
    19: ({"Containers": [VPC_IMAGE, VPC_IMAGE]}, {"Containers": [VPC_IMAGE, {"Image": "x"}]}),
    20: (ISOLATED, {}),
    21: ({"KmsKeyId": {"Ref": "Key"}}, {}),
    22: (
        scheduled({"EnableInterContainerTrafficEncryption": True}),
        scheduled({"EnableInterContainerTrafficEncryption": False}),
    ),
    23: ({"KmsKey": "key"}, {}),
    24: ({"DataStorageConfig": {"KmsKey": "key"}}, {"DataStorageConfig": {"Destination": "s3://bucket"}}),
    25: (ISOLATED, {}),
}


def found(control: Control, properties: dict[str, Any]) -> list[str]:
    resource = {"Type": f"AWS::SageMaker::{control.type}", "Properties": properties}
    return [str(finding) for finding in control.check(Assembly({"stack": {"Resources": {"Thing": resource}}}))]


def test_all_25_controls_are_here_once() -> None:
    assert [control.number for control in CONTROLS] == list(range(1, 26))
    assert set(EXAMPLES) == set(range(1, 26))


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.id)
def test_a_template_that_meets_the_control_passes(control: Control) -> None:
    assert found(control, EXAMPLES[control.number][0]) == []


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.id)
def test_a_template_that_breaks_the_control_fails(control: Control) -> None:
    assert found(control, EXAMPLES[control.number][1]) == [f"stack/Thing: {control.title} [{control.id}]"]


def test_one_host_needs_no_encryption_between_hosts_and_memory_no_key() -> None:
    by_number = {control.number: control for control in CONTROLS}
    assert found(by_number[15], {"JobResources": {"ClusterConfig": {"InstanceCount": 1}}}) == []
    assert found(by_number[18], {"OnlineStoreConfig": {"StorageType": "InMemory"}}) == []


def test_what_is_accepted_is_accepted_there_alone() -> None:
    """One instance outside of prod, an image of ECR: anywhere else the controls stand."""

    def found(number: int, stack: str, type_: str, properties: dict[str, Any]) -> list[str]:
        (control,) = (one for one in CONTROLS if one.number == number)
        templates = {stack: {"Resources": {"X": {"Type": f"AWS::SageMaker::{type_}", "Properties": properties}}}}
        return [finding.rule for finding in control.check(Assembly(templates=templates))]

    one = {"ProductionVariants": [{"InitialInstanceCount": 1}]}
    assert found(4, "vision-dev-serving-digits", "EndpointConfig", one) == []
    assert found(4, "vision-prod-serving-digits", "EndpointConfig", one) == ["SageMaker.4"]
    ecr = {"PrimaryContainer": {"Image": {"Fn::Join": ["", [{"Ref": "A"}, ".dkr.ecr.us-east-1/x:1"]]}}}
    assert found(16, "vision-prod-serving-digits", "Model", ecr) == []
    assert found(16, "vision-prod-serving-digits", "Model", {"PrimaryContainer": {"Image": "hub/x:1"}}) == [
        "SageMaker.16"
    ]
