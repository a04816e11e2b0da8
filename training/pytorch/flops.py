"""What the hardware could compute at best, for model FLOPs utilisation."""

import time
from functools import cache

import torch

DENSE_BF16_TFLOPS = {
    "B200": 2250.0,
    "H200": 989.0,
    "H100": 989.0,
    "A100": 312.0,
    "L40S": 362.0,
    "L4": 121.0,
    "A10G": 70.0,
}
"""Dense bf16 (no sparsity) of NVIDIA's data sheets; the first name found in the device's name counts."""


@cache
def peak_flops(device: torch.device) -> float:
    """FLOPs per second that one rank could reach: from the data sheet for a GPU, else measured with a large matrix."""
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
        for known, tflops in DENSE_BF16_TFLOPS.items():
            if known in name.replace("-", " ").split():
                return tflops * 1e12
    return measure_flops(device)


def measure_flops(device: torch.device, size: int = 768) -> float:
    """The best of a few large fp32 matrix products."""
    matrix = torch.ones(size, size, device=device)
    best = float("inf")
    for _ in range(10):
        started = time.perf_counter()
        matrix @ matrix
        if device.type == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best
