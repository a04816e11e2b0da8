"""What makes each shipped job small enough for the embedded cloud: an execution's input, two nodes or more."""

from typing import Any

_CPU = {"instance_type": "ml.m5.xlarge", "spot": False, "max_runtime_seconds": 1800}
_TOY = {"preset": "toy", "precision": "fp32", "batch_size": 4, "max_steps": 20, "warmup_steps": 2, "context": 64}

_FEW = {"max_steps": 30, "batch_size": 32, "width": 64}

SMALL: dict[str, dict[str, Any]] = {
    "mnist-ddp": {**_CPU, "hyperparameters": {"epochs": 1, "width": 64}},
    "mnist-tune": {**_CPU, "instance_count": 2, "hyperparameters": {"epochs": 1, "width": 64}},
    "mnist-hetero": {"max_runtime_seconds": 1800, "hyperparameters": {"epochs": 1, "width": 64}},
    "gpt-ddp": {**_CPU, "hyperparameters": {**_TOY, "accumulation": 1}},
    "gpt-fsdp": {**_CPU, "hyperparameters": {**_TOY, "accumulation": 1}},
    "gpt-tp-pp": {
        **_CPU,
        "processes_per_node": 2,
        "hyperparameters": {**_TOY, "tensor_parallel": 2, "pipeline_parallel": 2, "microbatches": 4},
    },
    "tf-cifar": {
        "spot": False,
        "max_runtime_seconds": 1800,
        "hyperparameters": {"max_steps": 20, "batch_size": 8, "precision": "fp32"},
    },
    "tf-mnist": {**_CPU, "hyperparameters": _FEW},
    "tf-mnist-ps": {"max_runtime_seconds": 1800, "hyperparameters": _FEW},
    "linear-replicated": {**_CPU, "instance_count": 2},
    "linear-sharded": {**_CPU, "instance_count": 2},
}
"""By job."""
