"""The catalogue of instances, held against botocore's list and EC2's own descriptions."""

import gzip
import json
from importlib.resources import files
from typing import Any

import botocore.session
import pytest

from scripts.make_instances import BY_HAND, CORRECTIONS
from shardyard.spec.catalogue.instances import ACCELERATORS, CATALOGUE_DATE, INSTANCES
from tests.support.some import some


@pytest.fixture(scope="module")
def ec2() -> dict[str, Any]:
    content = files("moto.ec2").joinpath("resources/instance_types.json.gz").read_bytes()
    described: dict[str, Any] = json.loads(gzip.decompress(content))
    return described


def test_every_training_type_of_botocore_is_there_and_no_other() -> None:
    shape = botocore.session.get_session().get_service_model("sagemaker").shape_for("TrainingInstanceType")
    assert set(INSTANCES) == set(shape.enum)


def test_facts_agree_with_ec2(ec2: dict[str, Any]) -> None:
    for name, instance in some((name, one) for name, one in INSTANCES.items() if name not in BY_HAND):
        described = ec2[name.removeprefix("ml.")]
        devices = described.get("GpuInfo", {}).get("Gpus") or described.get("NeuronInfo", {}).get("NeuronDevices") or []
        assert instance.vcpus == described["VCpuInfo"]["DefaultVCpus"], name
        assert instance.memory_gb * 1024 == pytest.approx(described["MemoryInfo"]["SizeInMiB"], rel=1e-3), name
        assert instance.local_disk_gb == described.get("InstanceStorageInfo", {}).get("TotalSizeInGB", 0), name
        efa = described["NetworkInfo"].get("EfaInfo", {}).get("MaximumEfaInterfaces", 0)
        assert instance.efa_interfaces == efa, name
        assert instance.architecture in described["ProcessorInfo"]["SupportedArchitectures"], name
        assert instance.accelerators == sum(device["Count"] for device in devices), name
        for device in devices:
            assert instance.accelerator == device["Name"], name
            if "accelerator_memory_gb" not in CORRECTIONS.get(name, {}):
                size = device["MemoryInfo"]["SizeInMiB"]
                assert instance.accelerator_memory_gb * 1024 == pytest.approx(size, rel=1e-3), name


def test_a_type_by_hand_is_one_that_ec2s_descriptions_lack_and_says_its_source(ec2: dict[str, Any]) -> None:
    for name in some(BY_HAND):
        assert name.removeprefix("ml.") not in ec2, f"{name} has a description now: take it out of the hand table"
        assert INSTANCES[name].source


def test_every_accelerator_is_described_and_used() -> None:
    assert set(ACCELERATORS) == {i.accelerator for i in INSTANCES.values() if i.accelerator is not None}
    assert all(accelerator.source for accelerator in some(ACCELERATORS.values()))


@pytest.mark.parametrize(
    ("name", "gpus", "processes", "bf16", "fp8", "efa"),
    [
        ("ml.p3.16xlarge", 8, 8, False, False, 0),
        ("ml.g4dn.xlarge", 1, 1, False, False, 0),
        ("ml.g5.12xlarge", 4, 4, True, False, 1),
        ("ml.g6e.48xlarge", 8, 8, True, True, 4),
        ("ml.p4d.24xlarge", 8, 8, True, False, 4),
        ("ml.p5.48xlarge", 8, 8, True, True, 32),
        ("ml.p5en.48xlarge", 8, 8, True, True, 16),
        ("ml.p6-b200.48xlarge", 8, 8, True, True, 8),
        ("ml.p6-b300.48xlarge", 8, 8, True, True, 16),
        ("ml.p6e-gb200.36xlarge", 4, 4, True, True, 16),
        ("ml.trn1.32xlarge", 0, 32, True, True, 8),
        ("ml.c5.2xlarge", 0, 1, False, False, 0),
        ("ml.m7i.large", 0, 1, True, False, 0),
    ],
)
def test_what_the_rules_ask(name: str, gpus: int, processes: int, bf16: bool, fp8: bool, efa: int) -> None:
    one = INSTANCES[name]
    assert (one.gpus, one.processes, one.bf16, one.fp8, one.efa_interfaces) == (gpus, processes, bf16, fp8, efa)


def test_the_catalogue_is_dated() -> None:
    assert CATALOGUE_DATE >= "2026-11-01"
