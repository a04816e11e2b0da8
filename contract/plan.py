"""How ranks share a model: what the launch's rules, the advisor and the ranks themselves must agree on."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

DataPlan = Literal["ddp", "fsdp", "hsdp"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Misfit:
    """Why a layout cannot be."""

    option: str
    """The option that is to blame."""

    message: str
    """What is wrong with it and what to do, to be read after the option's name."""

    def __str__(self) -> str:
        return f"{self.option} {self.message}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """How the ranks share the work. They form a grid: pipeline x replicas x shards x tensor."""

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

    @property
    def model_parts(self) -> int:
        """The ranks that hold one replica's layers and matrices together, sharding left out."""
        return self.tensor_parallel * self.pipeline_parallel

    @property
    def batch_parts(self) -> int:
        """The parts that a batch is cut into on its way through the stages: 1 without a pipeline."""
        if self.pipeline_parallel == 1:
            return 1
        return 2 * self.pipeline_parallel if self.microbatches is None else self.microbatches

    def shards(self, ranks: int) -> int:
        """Over how many ranks the state of one tensor- and pipeline-parallel part is spread."""
        data = max(ranks // self.model_parts, 1)
        if self.data == "hsdp" and self.shard_size is not None:
            return min(self.shard_size, data)
        return 1 if self.data == "ddp" else data

    def contradictions(self, *, accumulation: int, compiled: bool) -> Iterator[Misfit]:
        """What excludes each other, whatever the ranks are."""
        if self.shard_size is not None and self.data != "hsdp":
            yield Misfit(option="shard_size", message=f"is for the plan hsdp, and the plan is {self.data}")
        if self.shard_size is None and self.data == "hsdp":
            yield Misfit(
                option="shard_size", message="is missing: the plan hsdp needs it (usually the ranks of a node)"
            )
        if self.microbatches is not None and self.pipeline_parallel == 1:
            yield Misfit(option="microbatches", message="is for pipeline_parallel above 1 (use accumulation)")
        if accumulation > 1 and self.pipeline_parallel > 1:
            yield Misfit(option="accumulation", message="does not go with pipeline_parallel (raise microbatches)")
        if compiled and self.tensor_parallel > 1:
            why = "torch 2.13 fails in the backward pass of compiled blocks whose matrices are shared"
            yield Misfit(option="compile", message=f"does not go with tensor_parallel: {why} (leave it out)")

    def misfits(self, ranks: int) -> Iterator[Misfit]:
        """Why this number of ranks does not fill the grid."""
        parts, data = self.model_parts, ranks // self.model_parts
        if ranks % parts:
            option = "pipeline_parallel" if self.pipeline_parallel > 1 else "tensor_parallel"
            message = f"{getattr(self, option)} makes groups of {parts} ranks, which do not divide the {ranks} ranks"
            yield Misfit(option=option, message=f"{message}: choose sizes whose product divides {ranks}")
        elif self.shard_size is not None and data % self.shard_size:
            message = f"{self.shard_size} does not divide the {data} data-parallel ranks ({ranks} ranks / {parts})"
            yield Misfit(option="shard_size", message=f"{message}: choose one of {divisors(data)}")

    def node_misfits(self, node_ranks: int) -> Iterator[Misfit]:
        """Why ranks that share matrices would not sit on one node of `node_ranks`."""
        size = self.tensor_parallel
        if size > node_ranks:
            message = f"{size} is more than the {node_ranks} ranks of a node"
            yield Misfit(option="tensor_parallel", message=f"{message} (use pipeline_parallel or fsdp between nodes)")
        elif node_ranks % size:
            message = f"{size} does not divide the {node_ranks} ranks of a node, whose links it needs"
            yield Misfit(option="tensor_parallel", message=f"{message}: choose one of {divisors(node_ranks)}")

    def __str__(self) -> str:
        parts: list[str] = [self.data]
        if self.tensor_parallel > 1:
            parts.append(f"tensor parallel {self.tensor_parallel}")
        if self.pipeline_parallel > 1:
            parts.append(f"pipeline parallel {self.pipeline_parallel}")
        return " x ".join(parts)


def divisors(number: int) -> list[int]:
    """Every whole number that divides it."""
    return [size for size in range(1, number + 1) if number % size == 0]
