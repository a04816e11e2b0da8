"""Write constructs/shardyard/spec/catalogue/data/instances.json: what every SageMaker training instance type has.

Run with `python scripts/make_instances.py`. The types are those of botocore's TrainingInstanceType; the facts are
EC2's own instance-type descriptions as moto ships them, and a hand table for what those lack or get wrong.
"""

import gzip
import json
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import botocore.session

TARGET = Path(__file__).parent.parent / "constructs/shardyard/spec/catalogue/data/instances.json"
DATE = "2026-11-21"

ACCELERATORS: dict[str, dict[str, Any]] = {
    # Dense peak of bfloat16 (float16 where there is none), in teraflops a device, from the makers' data sheets.
    "K80": {
        "generation": "Kepler",
        "bf16": False,
        "fp8": False,
        "tflops": 4.4,
        "source": "NVIDIA Tesla K80 data sheet (single precision, half a board)",
    },
    "V100": {"generation": "Volta", "bf16": False, "fp8": False, "tflops": 125, "source": "NVIDIA V100 data sheet"},
    "T4": {"generation": "Turing", "bf16": False, "fp8": False, "tflops": 65, "source": "NVIDIA T4 data sheet"},
    "A10G": {"generation": "Ampere", "bf16": True, "fp8": False, "tflops": 70, "source": "NVIDIA A10G data sheet"},
    "A100": {"generation": "Ampere", "bf16": True, "fp8": False, "tflops": 312, "source": "NVIDIA A100 data sheet"},
    "L4": {"generation": "Ada", "bf16": True, "fp8": True, "tflops": 121, "source": "NVIDIA L4 data sheet"},
    "L40S": {"generation": "Ada", "bf16": True, "fp8": True, "tflops": 362, "source": "NVIDIA L40S data sheet"},
    "H100": {"generation": "Hopper", "bf16": True, "fp8": True, "tflops": 989, "source": "NVIDIA H100 SXM data sheet"},
    "H200": {"generation": "Hopper", "bf16": True, "fp8": True, "tflops": 989, "source": "NVIDIA H200 SXM data sheet"},
    "B200": {
        "generation": "Blackwell",
        "bf16": True,
        "fp8": True,
        "tflops": 2250,
        "source": "NVIDIA DGX B200 data sheet, an eighth",
    },
    "B300": {
        "generation": "Blackwell",
        "bf16": True,
        "fp8": True,
        "tflops": None,
        "source": "generation as its name says; no dense bfloat16 figure that we trust",
    },
    "RTX PRO Server 6000": {
        "generation": "Blackwell",
        "bf16": True,
        "fp8": True,
        "tflops": None,
        "source": "generation as its name says; no dense bfloat16 figure that we trust",
    },
    "RTX PRO 4500": {
        "generation": "Blackwell",
        "bf16": True,
        "fp8": True,
        "tflops": None,
        "source": "generation as its name says; no dense bfloat16 figure that we trust",
    },
    "Trainium": {
        "generation": "Trainium",
        "bf16": True,
        "fp8": True,
        "tflops": 190,
        "source": "AWS Neuron documentation, Trainium architecture",
    },
    "Trainium2": {
        "generation": "Trainium2",
        "bf16": True,
        "fp8": True,
        "tflops": 667,
        "source": "AWS Neuron documentation, Trainium2 architecture",
    },
}

CPU_BF16 = ("m7i", "c7i", "r7i", "m7i-flex", "c7i-flex", "m8i", "c8i", "r8i", "m8i-flex", "c8i-flex", "r8i-flex")
"""Families on Intel Sapphire Rapids and Granite Rapids, whose AMX units take bfloat16."""


def _gpu(
    model: str, count: int, memory_gb: float, vcpus: int, ram_gb: int, gbps: float | None, source: str
) -> dict[str, Any]:
    accelerator = {"accelerator": model, "accelerators": count, "accelerator_memory_gb": memory_gb}
    machine = {"vcpus": vcpus, "memory_gb": ram_gb, "network_gbps": gbps}
    return {**machine, **accelerator, "processor": "Intel", "architecture": "x86_64", "source": source}


P2 = "AWS, Amazon EC2 P2 instances, product page (retired types that SageMaker still lists)"
P3 = "AWS, Amazon EC2 P3 instances, product page"
BY_HAND: dict[str, dict[str, Any]] = {
    "ml.p2.xlarge": _gpu("K80", 1, 12, 4, 61, None, P2),
    "ml.p2.8xlarge": _gpu("K80", 8, 12, 32, 488, 10, P2),
    "ml.p2.16xlarge": _gpu("K80", 16, 12, 64, 732, 25, P2),
    "ml.p3.2xlarge": _gpu("V100", 1, 16, 8, 61, 10, P3),
    "ml.p3.8xlarge": _gpu("V100", 4, 16, 32, 244, 10, P3),
    "ml.p3.16xlarge": _gpu("V100", 8, 16, 64, 488, 25, P3),
    "ml.p6e-gb200.36xlarge": {
        **_gpu(
            "B200",
            4,
            185,
            144,
            960,
            1600,
            "AWS, Amazon EC2 P6e UltraServers, product page: an 18th of a u-p6e-gb200x72",
        ),
        "processor": "NVIDIA",
        "architecture": "arm64",
        "local_disk_gb": 22500,
        "efa_interfaces": 16,  # Amazon EKS user guide, UltraServers: 17 network cards, the first of them for ENA
    },
}
"""Types of which moto has no description, and what their product pages say."""

CORRECTIONS: dict[str, dict[str, Any]] = {
    "ml.trn2.48xlarge": {
        "accelerator_memory_gb": 96,
        "source": "AWS Neuron documentation: 96 GiB a Trainium2 chip (EC2's description gives the sum of the chips)",
    },
}
"""Where EC2's description is known to be wrong."""


def described(ec2: dict[str, Any]) -> dict[str, Any]:
    """Reduce one of EC2's instance-type descriptions to what a training job needs."""
    network = ec2["NetworkInfo"]
    cards = network["NetworkCards"]
    made: dict[str, Any] = {
        "vcpus": ec2["VCpuInfo"]["DefaultVCpus"],
        "memory_gb": _round(ec2["MemoryInfo"]["SizeInMiB"] / 1024),
        "network_gbps": _round(sum(card.get("PeakBandwidthInGbps", 0) for card in cards)),
        "network_baseline_gbps": _round(sum(card.get("BaselineBandwidthInGbps", 0) for card in cards)),
        "processor": ec2["ProcessorInfo"]["Manufacturer"],
        "architecture": next(a for a in ec2["ProcessorInfo"]["SupportedArchitectures"] if a != "i386"),
        "local_disk_gb": ec2.get("InstanceStorageInfo", {}).get("TotalSizeInGB", 0),
        "efa_interfaces": network.get("EfaInfo", {}).get("MaximumEfaInterfaces", 0),
    }
    if ec2.get("GpuInfo"):
        gpu = ec2["GpuInfo"]["Gpus"][0]
        made |= _accelerator(gpu["Name"], gpu["Count"], gpu["MemoryInfo"]["SizeInMiB"])
    if ec2.get("NeuronInfo"):
        device = ec2["NeuronInfo"]["NeuronDevices"][0]
        made |= _accelerator(device["Name"], device["Count"], device["MemoryInfo"]["SizeInMiB"])
        made["neuron_cores"] = device["Count"] * device["CoreInfo"]["Count"]
    return made


def _accelerator(model: str, count: int, memory_mib: int) -> dict[str, Any]:
    return {"accelerator": model, "accelerators": count, "accelerator_memory_gb": _round(memory_mib / 1024)}


def _round(number: float) -> float:
    return int(number) if number == int(number) else round(number, 3)


def main() -> None:
    """Write the catalogue."""
    listed = botocore.session.get_session().get_service_model("sagemaker").shape_for("TrainingInstanceType").enum
    ec2 = json.loads(gzip.decompress(files("moto.ec2").joinpath("resources/instance_types.json.gz").read_bytes()))
    rows = {}
    for name in sorted(listed):
        row = BY_HAND[name] if name in BY_HAND else described(ec2[name.removeprefix("ml.")])
        row = {**row, **CORRECTIONS.get(name, {})}
        row["cpu_bf16"] = name.split(".")[1] in CPU_BF16
        rows[name] = {key: value for key, value in row.items() if value}
    lines = ",\n".join(f'  "{name}": {json.dumps(row)}' for name, row in rows.items())
    models = ",\n".join(f'  "{name}": {json.dumps(row)}' for name, row in ACCELERATORS.items())
    source = f"EC2's instance-type descriptions in moto {version('moto')}, types of botocore {version('botocore')}"
    head = f'"date": "{DATE}",\n "source": {json.dumps(source)},\n "accelerators": {{\n{models}\n }},\n'
    TARGET.write_text(f'{{{head} "instances": {{\n{lines}\n }}}}\n')
    print(f"{len(rows)} instance types written to {TARGET}")


if __name__ == "__main__":
    main()
