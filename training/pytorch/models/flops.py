"""What the hardware could compute at best, for model FLOPs utilisation."""

import time
from dataclasses import dataclass

import torch

from training.pytorch.hardware import wait_for_device

DENSE_BF16_TFLOPS = {
    "B200": 2250.0,
    "H200": 989.0,
    "H100": 989.0,
    "A100": 312.0,
    "L40S": 362.0,
    "L4": 121.0,
    "A10G": 70.0,
}
"""Dense bf16 (no sparsity) of NVIDIA's data sheets, by a word of the device's name.

B300, GB200 and RTX PRO 6000 are not here: what is published of their dense bf16 differs, so they are measured.
"""

_SLOWER = {"PCIe", "NVL", "MIG"}
"""Words in the names of variants, and of parts of a GPU, that reach less than the data sheet's SXM figure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Peak:
    """What one rank could reach."""

    flops: float
    """FLOPs per second."""
    source: str
    """What was computed in which precision, and where the number is from."""

    def __str__(self) -> str:
        return f"{self.flops / 1e12:.3g} TFLOP/s a rank ({self.source})"


def peak_flops(device: torch.device, dtype: torch.dtype) -> Peak:
    """The peak in the precision that is trained in: of the data sheet for bf16 on a known GPU, else measured.

    In fp32 a GPU has two peaks, and torch's settings decide which of them counts (TF32), so that is always measured.
    """
    precision = {torch.bfloat16: "bf16", torch.float32: "fp32"}[dtype]
    if device.type == "cuda" and dtype == torch.bfloat16:
        name = torch.cuda.get_device_name(device)
        words = set(name.replace("-", " ").split())
        for known, tflops in DENSE_BF16_TFLOPS.items():
            if known in words and not words & _SLOWER:
                return Peak(flops=tflops * 1e12, source=f"dense bf16 of {known} in NVIDIA's data sheet")
    return Peak(flops=measure_flops(device, dtype), source=f"the fastest of some {precision} matrix products here")


def measure_flops(device: torch.device, dtype: torch.dtype) -> float:
    """The best of a few large matrix products."""
    size = 8192 if device.type == "cuda" else 768
    matrix = torch.ones(size, size, device=device, dtype=dtype)
    best = float("inf")
    for _ in range(10):
        wait_for_device(device)
        started = time.perf_counter()
        matrix @ matrix
        wait_for_device(device)
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best
