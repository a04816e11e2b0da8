"""What the hardware could compute at best, for model FLOPs utilisation."""

import time
from functools import cache

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


def measure_flops(device: torch.device) -> float:
    """The best of a few large matrix products: in bf16 on a GPU that has it, else in fp32."""
    size, dtype = 768, torch.float32
    if device.type == "cuda":
        size = 8192
        dtype = torch.bfloat16 if torch.cuda.get_device_capability(device) >= (8, 0) else torch.float32
    matrix = torch.ones(size, size, device=device, dtype=dtype)
    best = float("inf")
    for _ in range(10):
        wait_for_device(device)
        started = time.perf_counter()
        matrix @ matrix
        wait_for_device(device)
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best
