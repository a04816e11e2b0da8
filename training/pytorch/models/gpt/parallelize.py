"""Build a model in the shape that a plan says: every rank makes only its part, with the values the whole would have."""

import hashlib
import warnings
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, Replicate, distribute_module
from torch.distributed.tensor._utils import compute_local_shape_and_global_offset
from torch.distributed.tensor.parallel import ColwiseParallel, ParallelStyle, RowwiseParallel, parallelize_module
from torch.nn.parallel import DistributedDataParallel

from training.pytorch.hardware import check_precision
from training.pytorch.models.gpt.model import GPT, GPTConfig, start_value
from training.pytorch.parallel.grid import make_grid
from training.pytorch.parallel.part import Parallel
from training.pytorch.parallel.plan import Plan, layers_of_stage
from training.pytorch.process_group import Ranks

# FSDP2 warns of in-place changes to what a model returns; the losses here make none
warnings.filterwarnings("ignore", message="FSDP2-wrapped module")


def build(config: GPTConfig, plan: Plan, ranks: Ranks, *, seed: int) -> Parallel:
    """Make this rank's part of a GPT."""
    dtype = check_precision(plan.precision, ranks.device)
    grid = plan.grid(ranks.world_size)
    mesh = None
    place = dict.fromkeys(grid, 0)
    if ranks.world_size > 1:
        mesh = make_grid(grid, ranks)
        place = dict(zip(grid, mesh.get_coordinate(), strict=True))
    with torch.device("meta"):
        layers = layers_of_stage(config.layers, place["pipeline"], grid["pipeline"])
        model = GPT(config, layers)
    model.checkpoint_activations = plan.activation_checkpointing
    if mesh is not None and grid["tensor"] > 1:
        split_tensors(model, mesh["tensor"])
    if plan.compile:
        for block in model.blocks.values():
            block.compile()
    whole = grid["pipeline"] * grid["tensor"] == 1 and grid["shard"] == 1
    if mesh is not None and not whole and grid["replica"] * grid["shard"] > 1:
        shard(model, mesh["shard"] if grid["replica"] == 1 else mesh["replica", "shard"], dtype)
    model.to_empty(device=ranks.device)
    fill(model, seed)
    forward: nn.Module = model
    if whole and ranks.world_size > 1:
        forward = DistributedDataParallel(model, gradient_as_bucket_view=True)  # else they are kept twice
    return Parallel(
        model=model,
        forward=forward,
        plan=plan,
        mesh=mesh,
        stage=place["pipeline"],
        data_rank=place["replica"] * grid["shard"] + place["shard"],
        data_size=grid["replica"] * grid["shard"],
        dtype=dtype,
    )


class Replicated(ParallelStyle):
    """A module that every tensor-parallel rank computes whole; its parameters become DTensors like all others."""

    def _apply(self, module: nn.Module, mesh: DeviceMesh) -> nn.Module:
        return distribute_module(module, mesh, None, self._to_dtensor, self._to_local)

    @staticmethod
    def _to_dtensor(module: nn.Module, inputs: tuple[Any, ...], mesh: DeviceMesh) -> tuple[Any, ...]:
        return (DTensor.from_local(inputs[0], mesh, [Replicate()], run_check=False), *inputs[1:])

    @staticmethod
    def _to_local(module: nn.Module, output: DTensor, mesh: DeviceMesh) -> Tensor:
        return output.to_local()


def split_tensors(model: GPT, mesh: DeviceMesh) -> None:
    """Tensor parallelism: matrices cut by columns and then by rows, so that a block needs two all-reduces."""
    columns, rows = ColwiseParallel, RowwiseParallel
    styles: dict[str, ParallelStyle] = {}
    for layer in model.blocks:
        prefix = f"blocks.{layer}."
        styles |= {prefix + "attention_norm": Replicated(), prefix + "feed_norm": Replicated()}
        styles |= {f"{prefix}attention.{name}": columns() for name in ("query", "key", "value")}
        styles |= {f"{prefix}feed.{name}": columns() for name in ("gate", "up")}
        styles |= {prefix + "attention.out": rows(), prefix + "feed.down": rows()}
    if model.embedding is not None:
        styles["embedding"] = rows(input_layouts=Replicate())
    if model.norm is not None:
        styles |= {"norm": Replicated(), "head": columns(output_layouts=Replicate())}
    parallelize_module(model, mesh, styles)


def shard(model: GPT, mesh: DeviceMesh, dtype: torch.dtype) -> None:
    """FSDP2: every block gathered on its own, gradients summed in fp32."""
    policy = MixedPrecisionPolicy()
    if dtype != torch.float32:
        policy = MixedPrecisionPolicy(param_dtype=dtype, reduce_dtype=torch.float32)
    for block in model.blocks.values():
        fully_shard(block, mesh=mesh, mp_policy=policy)
    fully_shard(model, mesh=mesh, mp_policy=policy)


@torch.no_grad()
def fill(model: GPT, seed: int) -> None:
    """Start values that depend on the seed and the parameter's name alone: equal under every plan."""
    for name, parameter in model.named_parameters():
        digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
        generator = torch.Generator(parameter.device).manual_seed(int.from_bytes(digest[:7], "big"))
        whole = torch.empty(parameter.shape, device=parameter.device)
        start_value(name, model.config.layers)(whole, generator)
        if not isinstance(parameter, DTensor):
            parameter.copy_(whole)
            continue
        shape, offsets = compute_local_shape_and_global_offset(
            parameter.shape, parameter.device_mesh, parameter.placements
        )
        part = tuple(slice(start, start + size) for start, size in zip(offsets, shape, strict=True))
        parameter.to_local().copy_(whole[part])
