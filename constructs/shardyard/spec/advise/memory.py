"""How much of a GPU's memory a training step takes: the arithmetic behind `yard advise` and the memory rule.

It counts what AdamW in mixed precision keeps, as `training.pytorch.programs.gpt` does: weights, gradients and two
moments in fp32, and a bfloat16 copy of what is being computed. Activations are those of its blocks (RMSNorm, SwiGLU,
fused attention, which never writes its matrix); a test counts them.
"""

from dataclasses import dataclass
from typing import Literal

from contract.plan import Layout
from shardyard.spec.catalogue.instances import Instance
from shardyard.spec.errors import Problem, SpecError

GB = 1024**3
STATE_BYTES = 16
"""fp32 weight, gradient and two Adam moments of one parameter."""

WHOLE_BYTES = {"bf16": 18, "fp32": 16}
"""Activations of one token, layer and unit of width that every tensor-parallel rank keeps: around norms."""

SPLIT_BYTES = {"bf16": 34, "fp32": 70}
"""Those that tensor-parallel ranks share: inside attention and feed-forward."""

SCORE_BYTES = {"bf16": 10, "fp32": 8}
"""What one score of one token takes, with its logarithm and in fp32; every tensor-parallel rank has all scores."""

VOCABULARY = 50_304
"""Tokens whose scores the last layer writes: those of GPT-2, as nothing else is known."""

RESERVED_GB = 1.5
"""CUDA's context and NCCL's buffers."""

USABLE = 0.92
"""The share of the memory that an allocator can hand out before fragments stop it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Workload:
    """What is trained, and with which batch."""

    parameters: float
    """How many."""

    layers: int
    """How many blocks."""

    hidden: int
    """The width of a block."""

    sequence: int = 2048
    """Tokens in a sample."""

    batch_size: int = 1
    """Samples of one step on one rank."""

    precision: Literal["fp32", "bf16"] = "bf16"
    """What matrices are multiplied in."""

    activation_checkpointing: bool = False
    """Whether activations are computed twice rather than kept."""

    accumulation: int = 1
    """Batches whose gradients are summed before one step."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """What one GPU must hold, and whether it can."""

    work: Workload
    """For this workload."""

    layout: Layout
    """Under this layout."""

    needed_gb: float
    """All together."""

    usable_gb: float
    """What the GPU can hand out."""

    lines: tuple[str, ...]
    """The arithmetic."""

    @property
    def name(self) -> str:
        """The layout in words."""
        return f"{self.layout}{' with activation checkpointing' * self.work.activation_checkpointing}"

    @property
    def fits(self) -> bool:
        """Whether it fits."""
        return self.needed_gb <= self.usable_gb


def workload(parameters: float, *, layers: int | None = None, hidden: int | None = None, **rest: object) -> Workload:
    """A workload whose shape is guessed where it is not given: decoders are about 128 times as wide as deep."""
    if parameters < 1:
        raise SpecError([Problem("parameters", f"{parameters:g} is less than 1; say how many, as in 7e9")])
    guessed = max(round((parameters / (12 * 128**2)) ** (1 / 3)), 1) if layers is None else layers
    width = max(round((parameters / (12 * guessed)) ** 0.5), 1) if hidden is None else hidden
    return Workload(parameters=parameters, layers=guessed, hidden=width, **rest)  # type: ignore[arg-type]


def memory(work: Workload, layout: Layout, instance: Instance, ranks: int) -> Memory:
    """Memory that one rank's device needs under a layout, with this many ranks on these instances."""
    parts = layout.model_parts
    shards = layout.shards(ranks)
    state = work.parameters * STATE_BYTES / parts / shards / GB
    copies, copies_line = _copies(work, layout, shards)
    kept, kept_line = _activations(work, layout)
    scores = work.sequence * work.batch_size / layout.batch_parts * VOCABULARY * SCORE_BYTES[work.precision] / GB
    needed = state + copies + kept + scores + RESERVED_GB
    whole = instance.accelerator_memory_gb * instance.accelerators / instance.processes
    usable = whole * USABLE
    divided = f" / {parts} parts" * (parts > 1) + f" / {shards} shards" * (shards > 1)
    lines = (
        f"state: {work.parameters:.3g} parameters x {STATE_BYTES} bytes{divided} = {state:.1f} GB",
        f"{copies_line} = {copies:.1f} GB",
        f"{kept_line} = {kept:.1f} GB",
        f"scores of {VOCABULARY} tokens, forward and backward = {scores:.1f} GB",
        f"CUDA and NCCL = {RESERVED_GB:.1f} GB",
        f"together {needed:.1f} GB of {usable:.1f} GB usable of {whole:.1f} GB ({instance.accelerator})",
    )
    return Memory(work=work, layout=layout, needed_gb=needed, usable_gb=usable, lines=lines)


def _copies(work: Workload, layout: Layout, shards: int) -> tuple[float, str]:
    width = 2 if work.precision == "bf16" else 4
    parts = layout.model_parts
    if shards > 1:
        blocks = min(2, work.layers)
        gathered = work.parameters / work.layers * blocks + 2 * VOCABULARY * work.hidden
        size, line = gathered * width * 2 / parts, f"{blocks} gathered blocks, embedding and head, with gradients"
        if work.accumulation > 1 or layout.pipeline_parallel > 1:
            size += work.parameters * 4 / parts
            line += ", and all gradients in fp32 until the last batch of a step"
        return size / GB, line
    if work.precision == "bf16":
        return work.parameters * 2 / parts / GB, f"bfloat16 copy of the weights: {work.parameters:.3g} x 2 bytes"
    return 0.0, "no copies in fp32"


def _activations(work: Workload, layout: Layout) -> tuple[float, str]:
    whole, split = WHOLE_BYTES[work.precision], SPLIT_BYTES[work.precision]
    layers = -(-work.layers // layout.pipeline_parallel)
    block = whole + split / layout.tensor_parallel
    # A stage has begun as many parts of the batch as there are stages before the first of them comes back
    at_once = min(layout.pipeline_parallel, layout.batch_parts)
    unit = work.sequence * work.batch_size / layout.batch_parts * work.hidden / GB
    of_batch = f", {at_once} of the batch's {layout.batch_parts} parts at once" * (layout.pipeline_parallel > 1)
    if work.activation_checkpointing:
        size = unit * (4 * layers * at_once + block)
        line = (
            f"activations, checkpointed: {layers} layers x 4 bytes and one x {block:.3g}, per token and unit{of_batch}"
        )
        return size, line
    line = f"activations: {layers} layers x {block:.3g} bytes, per token and unit{of_batch}"
    return unit * block * layers * at_once, line
