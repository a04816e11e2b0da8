"""The dated catalogue of every training instance type, from data/instances.json, which a script writes."""

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
    """Dense peak in bfloat16 (float16 if it has none), in teraflops; None if no figure can be trusted."""

    source: str
    """The source of these facts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """The hardware of one instance type."""

    name: str
    """The type: ml.g5.xlarge."""

    vcpus: int
    """Hardware threads."""

    memory_gb: float
    """Main memory in GiB."""

    processor: str
    """The processor's maker: Intel, AMD, AWS, NVIDIA."""

    architecture: str
    """x86_64 or arm64; an image must be built for it."""

    accelerator: str | None = None
    """The model of the GPUs or Neuron devices."""

    accelerators: int = 0
    """The number of GPUs or Neuron devices."""

    accelerator_memory_gb: float = 0
    """The memory of each accelerator, in GiB."""

    neuron_cores: int = 0
    """Neuron cores of the whole instance; 0 for one with GPUs."""

    local_disk_gb: int = 0
    """Local NVMe disks, which replace the EBS volume."""

    efa_interfaces: int = 0
    """The number of Elastic Fabric Adapters."""

    network_gbps: float | None = None
    """Peak network bandwidth in gigabits per second; None if AWS does not state it."""

    network_baseline_gbps: float | None = None
    """Sustained network bandwidth in gigabits per second; None if AWS does not state it."""

    cpu_bf16: bool = False
    """Whether the processor has instructions for bfloat16 matrices."""

    source: str = ""
    """The source of these facts, if not the catalogue's own."""

    @property
    def gpus(self) -> int:
        """How many GPUs it has; Neuron devices do not count."""
        return 0 if self.neuron_cores else self.accelerators

    @property
    def family(self) -> str:
        """The middle part of the name: g5, p4d, trn1."""
        return self.name.split(".")[1]

    @property
    def processes(self) -> int:
        """How many processes a node runs by default: one per GPU or Neuron core, else one."""
        return max(self.gpus, self.neuron_cores, 1)

    @property
    def bf16(self) -> bool:
        """Whether its accelerator, or without one its processor, computes in bfloat16."""
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


def has_local_disk(instance_types: tuple[str, ...]) -> bool:
    """Whether any of the types brings its own disk: it is encrypted by hardware, and no volume key may be given."""
    return any(kind in INSTANCES and INSTANCES[kind].local_disk_gb for kind in instance_types)
