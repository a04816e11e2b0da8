"""How a model is spread over the ranks: chosen by hyperparameters, checked before anything is built. No torch."""

from dataclasses import dataclass
from typing import Literal, get_args

from contract.plan import microbatch_count
from contract.refusal import Refused

_COUNTS = ("tensor_parallel", "pipeline_parallel", "accumulation")
_OPTIONAL_COUNTS = ("shard_size", "microbatches")
DataPlan = Literal["ddp", "fsdp", "hsdp"]


class PlanError(Refused):
    """The plan does not fit; the message holds every reason, one a line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelShape:
    """What a plan has to divide."""

    layers: int
    heads: int
    kv_heads: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The parallelism of one run. The ranks form a grid: pipeline x replicas x shards x tensor."""

    data: DataPlan = "ddp"
    """ddp: every replica is whole. fsdp: one replica, sharded over all. hsdp: replicas of `shard_size` shards."""
    tensor_parallel: int = 1
    """Ranks that share every matrix; neighbours, so that they sit on one node."""
    pipeline_parallel: int = 1
    """Ranks that share the layers, in order."""
    shard_size: int | None = None
    """hsdp only: ranks that share one replica."""
    microbatches: int | None = None
    """Parts that a batch is cut into on its way through the pipeline; None: twice the stages."""
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
        problems = self._own_problems()
        if problems:
            raise PlanError("\n".join(problems))

    def grid(self, world_size: int) -> dict[str, int]:
        """The sizes of the grid's dimensions; raises PlanError when the ranks do not fill it."""
        fixed = self.pipeline_parallel * self.tensor_parallel
        if world_size % fixed:
            raise PlanError(
                f"pipeline_parallel {self.pipeline_parallel} x tensor_parallel {self.tensor_parallel} = {fixed} does "
                f"not divide the {world_size} ranks: choose sizes whose product divides {world_size}"
            )
        data = world_size // fixed
        shards = {"ddp": 1, "fsdp": data, "hsdp": self.shard_size if self.shard_size is not None else data}[self.data]
        if data % shards:
            raise PlanError(
                f"shard_size {shards} does not divide the {data} data-parallel ranks "
                f"({world_size} ranks / {fixed}): choose one of {divisors(data)}"
            )
        return {
            "pipeline": self.pipeline_parallel,
            "replica": data // shards,
            "shard": shards,
            "tensor": self.tensor_parallel,
        }

    @property
    def microbatch_count(self) -> int:
        """Parts of one batch in the pipeline; 1 without a pipeline."""
        return microbatch_count(self.pipeline_parallel, self.microbatches)

    def check(self, *, world_size: int, local_world_size: int, shape: ModelShape, batch_size: int) -> None:
        """Raise PlanError with every reason why this plan cannot run on these ranks."""
        problems = self._shape_problems(shape, batch_size)
        try:
            self.grid(world_size)
        except PlanError as error:
            problems.append(str(error))
        if self.tensor_parallel > local_world_size:
            problems.append(
                f"tensor_parallel {self.tensor_parallel} is more than the {local_world_size} ranks of a node; it "
                "needs the links inside a node; use pipeline_parallel or fsdp between nodes"
            )
        elif local_world_size % self.tensor_parallel:
            problems.append(
                f"tensor_parallel {self.tensor_parallel} does not divide the {local_world_size} ranks of a node, so "
                f"some ranks that share matrices would sit on two nodes: choose one of {divisors(local_world_size)}"
            )
        if problems:
            raise PlanError("\n".join(problems))

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
        if self.shard_size is not None and self.data != "hsdp":
            problems.append(f"shard_size is for the plan hsdp, and the plan is {self.data}")
        if self.data == "hsdp" and self.shard_size is None:
            problems.append("the plan hsdp needs shard_size: usually the ranks of one node")
        if self.microbatches is not None and self.pipeline_parallel == 1:
            problems.append("microbatches is for pipeline_parallel above 1; without a pipeline use accumulation")
        if self.accumulation > 1 and self.pipeline_parallel > 1:
            problems.append("accumulation and pipeline_parallel exclude each other: raise microbatches instead")
        if self.compile and self.tensor_parallel > 1:
            problems.append(
                "compile and tensor_parallel exclude each other: torch 2.13 fails in the backward pass of compiled "
                "blocks whose matrices are shared; leave compile out"
            )
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
        if self.pipeline_parallel > 1 and self.microbatch_count < self.pipeline_parallel:
            problems.append(
                f"microbatches {self.microbatch_count} is less than pipeline_parallel {self.pipeline_parallel}: "
                "stages would never all be busy"
            )
        if batch_size % self.microbatch_count:
            problems.append(f"batch_size {batch_size} cannot be cut into {self.microbatch_count} equal microbatches")
        return problems


def divisors(number: int) -> list[int]:
    """Every whole number that divides it."""
    return [size for size in range(1, number + 1) if number % size == 0]


def layers_of_stage(layers: int, stage: int, stages: int) -> range:
    """The layers of one pipeline stage: contiguous, and as equal as can be, earlier stages taking the rest."""
    each, rest = divmod(layers, stages)
    start = stage * each + min(stage, rest)
    return range(start, start + each + (stage < rest))
