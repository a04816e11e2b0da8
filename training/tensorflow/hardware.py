"""What the machine can do, asked rather than assumed: GPUs, processors, 16-bit numbers."""

import os
from collections.abc import Mapping

import keras
import tensorflow as tf

from contract.refusal import Refused
from contract.variables import CPUS

PRECISIONS = {"fp32": "float32", "bf16": "mixed_bfloat16", "fp16": "mixed_float16"}
"""What `--precision` may be, and what Keras calls it."""


class Unsupported(Refused):
    """The hardware lacks what was asked for; the message says what to choose instead."""


def prepare_devices(environ: Mapping[str, str] = os.environ) -> None:
    """Before anything else: take GPU memory as it is needed, and no more processors than this node has."""
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
    cpus = environ.get(CPUS, "")
    if cpus.isdecimal() and int(cpus) > 0 and "TF_NUM_INTRAOP_THREADS" not in environ:
        tf.config.threading.set_intra_op_parallelism_threads(int(cpus))
        tf.config.threading.set_inter_op_parallelism_threads(max(2, int(cpus)))


def local_gpus() -> int:
    """How many GPUs this process sees."""
    return len(tf.config.list_physical_devices("GPU"))


def set_precision(precision: str) -> None:
    """What Keras computes in from now on: `auto` is bf16 where the GPU has it, fp32 on a CPU.

    16-bit numbers are refused where they would only be emulated.
    """
    capability = _lowest_capability()
    if precision == "auto":
        precision = "bf16" if capability is not None and capability >= (8, 0) else "fp32"
    if precision not in PRECISIONS:
        raise Unsupported(f"precision {precision!r} is not known: use auto, {', '.join(PRECISIONS)}")
    if precision == "bf16" and capability is not None and capability < (8, 0):
        raise Unsupported(
            f"precision bf16: the GPU has compute capability {capability[0]}.{capability[1]} and bf16 needs 8.0 or "
            "more (A10G, A100, L4, H100); use fp16 or fp32 here, or an instance such as ml.g5 or ml.p4d"
        )
    if precision == "fp16" and capability is None:
        raise Unsupported("precision fp16 needs a GPU: on a CPU use fp32, or bf16")
    keras.mixed_precision.set_global_policy(PRECISIONS[precision])


def _lowest_capability() -> tuple[int, int] | None:
    """Of all GPUs that this process sees; None without one."""
    found = [
        tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0))
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    return min(found, default=None)
