"""The dated catalogue of every training instance type: read from data/instances.json, which a script writes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shardyard.spec.catalogue.data_files import read_data


@dataclass(frozen=True, kw_only=True, slots=True)
class Accelerator:
    """A kind of GPU or Neuron device."""

    generation: str
    """The architecture: Ampere, Hopper, Trainium2."""

    bf16: bool
    """Whether it computes in bfloat16."""

    fp8: bool
    """Whether it computes in 8-bit floats."""

    tflops: float | None
    """Dense peak in bfloat16 (float16 where it has none), teraflops; None where no figure is trusted."""

    source: str
    """Where this is from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """What one machine of a type has."""

    name: str
    """The type: ml.g5.xlarge."""

    vcpus: int
    """Hardware threads."""

    memory_gb: float
    """Main memory in GiB."""

    processor: str
    """Who made it: Intel, AMD, AWS, NVIDIA."""

    architecture: str
    """x86_64 or arm64; an image must be built for it."""

    accelerator: str | None = None
    """The model of its GPUs or Neuron devices."""

    accelerators: int = 0
    """How many of them."""

    accelerator_memory_gb: float = 0
    """The memory of each, in GiB."""

    neuron_cores: int = 0
    """Neuron cores of the whole machine; 0 for one with GPUs."""

    local_disk_gb: int = 0
    """NVMe disks of its own, which take the place of the EBS volume."""

    efa_interfaces: int = 0
    """Elastic Fabric Adapters; 0 where there is none."""

    network_gbps: float | None = None
    """Network at its peak, gigabits a second; None where it is not stated."""

    network_baseline_gbps: float | None = None
    """What of it lasts; None where it is not stated."""

    cpu_bf16: bool = False
    """Whether the processor has instructions for bfloat16 matrices."""

    source: str = ""
    """Where the facts are from, if not from the catalogue's own source."""

    @property
    def gpus(self) -> int:
        """How many GPUs it has; Neuron devices do not count."""
        return 0 if self.neuron_cores else self.accelerators

    @property
    def family(self) -> str:
        """The part of the name between the dots: g5, p4d, trn1."""
        return self.name.split(".")[1]

    @property
    def processes(self) -> int:
        """How many processes a node runs by default: one a GPU or Neuron core, one where there is neither."""
        return max(self.gpus, self.neuron_cores, 1)

    @property
    def bf16(self) -> bool:
        """Whether it computes in bfloat16: its accelerator, or its processor where there is none."""
        return self.cpu_bf16 if self.accelerator is None else ACCELERATORS[self.accelerator].bf16

    @property
    def fp8(self) -> bool:
        """Whether its accelerator computes in 8-bit floats."""
        return self.accelerator is not None and ACCELERATORS[self.accelerator].fp8


_raw: Any = read_data("instances.json")

CATALOGUE_DATE: str = _raw["date"]
"""When the catalogue was written."""

ACCELERATORS: Mapping[str, Accelerator] = {name: Accelerator(**row) for name, row in _raw["accelerators"].items()}
"""Every kind of GPU and Neuron device."""

INSTANCES: Mapping[str, Instance] = {name: Instance(name=name, **row) for name, row in _raw["instances"].items()}
"""Every training instance type."""
