"""What the machine can do, asked rather than assumed: devices, backends, bf16."""

import importlib
import resource
import sys

import torch

from contract.refusal import Refused


class Unsupported(Refused):
    """The hardware lacks what was asked for; the message says what to choose instead."""


def bind_device(local_rank: int) -> torch.device:
    """The device of this process: its own GPU, or the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    if local_rank >= torch.cuda.device_count():
        raise Unsupported(
            f"local rank {local_rank} has no GPU: there are {torch.cuda.device_count()}; start one process for each GPU"
        )
    device = torch.device("cuda", local_rank)
    torch.cuda.set_device(device)
    return device


def wait_for_device(device: torch.device) -> None:
    """Until a GPU has done what it was given; a CPU always has."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def peak_memory_bytes(device: torch.device) -> int:
    """The most memory that was used at once: the GPU's, or this process's own on a CPU."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def pick_backend(asked: str | None) -> str:
    """gloo on CPUs, nccl on GPUs; smddp when asked for and usable, else nccl with a message."""
    if not torch.cuda.is_available():
        if asked not in (None, "gloo"):
            print(f"backend {asked} needs GPUs and there are none: using gloo", file=sys.stderr)
        return "gloo"
    if asked != "smddp":
        return asked if asked is not None else "nccl"
    try:
        importlib.import_module("smdistributed.dataparallel.torch.torch_smddp")
    except (ImportError, OSError) as error:  # a native library that cannot be loaded is one or the other
        absent = isinstance(error, ModuleNotFoundError) and str(error.name).startswith("smdistributed")
        why = "is not installed (it is part of AWS's own images)" if absent else f"cannot be imported ({error})"
        print(f"backend smddp {why}: using nccl", file=sys.stderr)
        return "nccl"
    return "smddp"


def check_precision(precision: str, device: torch.device) -> torch.dtype:
    """The data type for a precision by name; refuses bf16 on GPUs that would only emulate it."""
    if precision == "fp32":
        return torch.float32
    if precision != "bf16":
        raise Unsupported(f"precision {precision!r} is not known: use fp32 or bf16")
    if device.type == "cuda":
        refuse_emulated_bf16(torch.cuda.get_device_name(device), torch.cuda.get_device_capability(device))
    return torch.bfloat16


def refuse_emulated_bf16(name: str, capability: tuple[int, int]) -> None:
    """bf16 came with compute capability 8.0; before that (V100: 7.0, T4: 7.5) it is emulated and slower than fp32."""
    if capability < (8, 0):
        raise Unsupported(
            f"precision bf16: {name} has compute capability {capability[0]}.{capability[1]} and bf16 needs 8.0 or more "
            "(A10G, A100, L4, H100); use fp32 here, or an instance such as ml.g5 or ml.p4d"
        )
