"""How a model is spread over the ranks: chosen by hyperparameters, checked before anything is built. No torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from contract.plan import DataPlan, Layout, Misfit
from contract.refusal import Refused

_COUNTS = ("tensor_parallel", "pipeline_parallel", "accumulation")
_OPTIONAL_COUNTS = ("shard_size", "microbatches")


class PlanError(Refused):
    """The plan does not fit; the message holds every reason, one per line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelShape:
    """What a plan has to divide."""

    layers: int
    heads: int
    kv_heads: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan(Layout):
    """The parallelism of one run: how the ranks share the model, and how each of them computes."""

    accumulation: int = 1
    """Batches whose gradients are summed before one synchronisation and one step."""
    activation_checkpointing: bool = False
    """Compute activations again in the backward pass rather than keep them."""
    compile: bool = False
    """Compile every block with torch.compile."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """What matrices are multiplied in; the optimizer always works in fp32."""
    clip_norm: float | None = 1.0
    """The largest norm of all gradients together; None: no clipping."""

    def __post_init__(self) -> None:
        _refuse(self._own_problems())

    def grid(self, world_size: int) -> dict[str, int]:
        """The sizes of the grid's dimensions; raises PlanError when the ranks do not fill it."""
        _refuse(list(self.misfits(world_size)))
        shards = self.shards(world_size)
        return {
            "pipeline": self.pipeline_parallel,
            "replica": world_size // self.model_parts // shards,
            "shard": shards,
            "tensor": self.tensor_parallel,
        }

    def check(self, *, world_size: int, local_world_size: int, shape: ModelShape, batch_size: int) -> None:
        """Raise PlanError with every reason why this plan cannot run on these ranks."""
        _refuse(
            [
                *self._shape_problems(shape, batch_size),
                *self.misfits(world_size),
                *self.node_misfits(local_world_size),
            ]
        )

    def _own_problems(self) -> list[str]:
        counts = {name: getattr(self, name) for name in _COUNTS}
        counts |= {name: value for name in _OPTIONAL_COUNTS if (value := getattr(self, name)) is not None}
        problems = [
            f"{name} is {value!r} and must be a whole number, 1 or more"
            for name, value in counts.items()
            if type(value) is not int or value < 1
        ]
        if any(type(value) is not int for value in counts.values()):
            return problems  # what depends on them cannot be told
        if self.data not in get_args(DataPlan):
            problems.append(f"plan {self.data!r} is not known: choose one of {', '.join(get_args(DataPlan))}")
        problems += map(str, self.contradictions(accumulation=self.accumulation, compiled=self.compile))
        if self.clip_norm is not None and not (isinstance(self.clip_norm, int | float) and self.clip_norm > 0):
            problems.append(f"clip_norm is {self.clip_norm!r} and must be above 0 (None means no clipping)")
        return problems

    def _shape_problems(self, shape: ModelShape, batch_size: int) -> list[str]:
        problems = []
        for name, count in (("heads", shape.heads), ("kv_heads", shape.kv_heads)):
            if count % self.tensor_parallel:
                problems.append(f"tensor_parallel {self.tensor_parallel} does not divide the model's {count} {name}")
        if self.pipeline_parallel > shape.layers:
            problems.append(
                f"pipeline_parallel {self.pipeline_parallel} is more than the model's {shape.layers} layers"
            )
        if self.pipeline_parallel > 1 and self.batch_parts < self.pipeline_parallel:
            problems.append(
                f"microbatches {self.batch_parts} is less than pipeline_parallel {self.pipeline_parallel}: "
                "stages would never all be busy"
            )
        if batch_size % self.batch_parts:
            problems.append(f"batch_size {batch_size} cannot be cut into {self.batch_parts} equal microbatches")
        return problems


def _refuse(problems: Sequence[str | Misfit]) -> None:
    if problems:
        raise PlanError("\n".join(map(str, problems)))


def layers_of_stage(layers: int, stage: int, stages: int) -> range:
    """The layers of one pipeline stage: contiguous, and as equal as can be, earlier stages taking the rest."""
    each, rest = divmod(layers, stages)
    start = stage * each + min(stage, rest)
    return range(start, start + each + (stage < rest))
