"""Plans: what fits is accepted, and what does not is refused with every reason at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.pytorch.parallel.plan import ModelShape, Plan, PlanError, layers_of_stage

SHAPE = ModelShape(layers=8, heads=8, kv_heads=4)


def check(plan: Plan, *, world: int = 8, local: int = 8, shape: ModelShape = SHAPE, batch_size: int = 8) -> None:
    plan.check(world_size=world, local_world_size=local, shape=shape, batch_size=batch_size)


@pytest.mark.parametrize(
    ("plan", "grid"),
    [
        (Plan(), (1, 8, 1, 1)),
        (Plan(data="fsdp"), (1, 1, 8, 1)),
        (Plan(data="hsdp", shard_size=4), (1, 2, 4, 1)),
        (Plan(data="fsdp", tensor_parallel=2), (1, 1, 4, 2)),
        (Plan(data="hsdp", shard_size=2, tensor_parallel=2), (1, 2, 2, 2)),
        (Plan(pipeline_parallel=2, tensor_parallel=4), (2, 1, 1, 4)),
        (Plan(pipeline_parallel=2, data="fsdp"), (2, 1, 4, 1)),
    ],
)
def test_eight_ranks_form_a_grid(plan: Plan, grid: tuple[int, ...]) -> None:
    check(plan)
    assert tuple(plan.grid(8).values()) == grid


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"tensor_parallel": 3},
            r"tensor_parallel 3 makes groups of 3 ranks, which do not divide the 8 ranks: choose sizes whose product "
            r"divides 8",
        ),
        ({"tensor_parallel": 8}, r"tensor_parallel 8 does not divide the model's 4 kv_heads"),
        ({"data": "hsdp"}, r"^shard_size is missing: the plan hsdp needs it \(usually the ranks of a node\)$"),
        (
            {"data": "hsdp", "shard_size": 3},
            r"shard_size 3 does not divide the 8 data-parallel ranks .*choose one of \[1, 2, 4, 8\]",
        ),
        ({"data": "fsdp", "shard_size": 2}, r"shard_size is for the plan hsdp, and the plan is fsdp"),
        ({"data": "zero"}, r"plan 'zero' is not known: choose one of ddp, fsdp, hsdp"),
        ({"microbatches": 4}, r"^microbatches is for pipeline_parallel above 1 \(use accumulation\)$"),
        (
            {"pipeline_parallel": 2, "accumulation": 2},
            r"^accumulation does not go with pipeline_parallel \(raise microbatches\)$",
        ),
        ({"pipeline_parallel": 4, "microbatches": 2}, r"microbatches 2 is less than pipeline_parallel 4"),
        ({"pipeline_parallel": 2, "microbatches": 3}, r"batch_size 8 cannot be cut into 3 equal microbatches"),
        ({"tensor_parallel": "2"}, r"tensor_parallel is '2' and must be a whole number, 1 or more"),
        ({"shard_size": 2.0, "data": "hsdp"}, r"shard_size is 2.0 and must be a whole number, 1 or more"),
        ({"pipeline_parallel": True}, r"pipeline_parallel is True and must be a whole number, 1 or more"),
        ({"accumulation": None}, r"accumulation is None and must be a whole number, 1 or more"),
        ({"clip_norm": "1"}, r"clip_norm is '1' and must be above 0"),
        ({"accumulation": 0}, r"accumulation is 0 and must be a whole number, 1 or more"),
        (
            {"compile": True, "tensor_parallel": 2},
            r"^compile does not go with .*: torch 2\.13 fails .* \(leave it out\)$",
        ),
        ({"clip_norm": 0.0}, r"clip_norm is 0.0 and must be above 0"),
        ({"clip_norm": float("nan")}, r"clip_norm is nan and must be above 0"),
    ],
)
def test_a_plan_that_does_not_fit_says_why(settings: dict, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        check(Plan(**settings))


def test_a_pipeline_cannot_have_more_stages_than_layers() -> None:
    with pytest.raises(PlanError, match="pipeline_parallel 4 is more than the model's 2 layers"):
        check(Plan(pipeline_parallel=4), shape=ModelShape(layers=2, heads=8, kv_heads=4))


def test_tensors_are_not_shared_between_nodes() -> None:
    with pytest.raises(PlanError, match="tensor_parallel 4 is more than the 2 ranks of a node"):
        check(Plan(tensor_parallel=4), local=2)
    with pytest.raises(PlanError, match=r"2 does not divide the 3 ranks of a node, .*: choose one of \[1, 3\]"):
        check(Plan(tensor_parallel=2), world=6, local=3)


def test_all_reasons_are_given_at_once() -> None:
    with pytest.raises(PlanError) as caught:
        Plan(data="hsdp", accumulation=0)
    assert len(str(caught.value).splitlines()) == 2
    with pytest.raises(PlanError) as caught:
        check(Plan(tensor_parallel=3, pipeline_parallel=9), local=2)
    assert len(str(caught.value).splitlines()) == 6


@given(st.sampled_from(["ddp", "fsdp"]), st.integers(1, 8), st.integers(1, 8), st.integers(1, 64))
def test_a_grid_has_exactly_one_place_for_each_rank(data: str, tensor: int, stages: int, world: int) -> None:
    plan = Plan(data=data, tensor_parallel=tensor, pipeline_parallel=stages)
    if world % (tensor * stages):
        with pytest.raises(PlanError):
            plan.grid(world)
    else:
        product = 1
        for size in plan.grid(world).values():
            product *= size
        assert product == world


@given(st.integers(1, 64), st.data())
def test_every_layer_belongs_to_one_stage(layers: int, data: st.DataObject) -> None:
    stages = data.draw(st.integers(1, layers))
    held = [layers_of_stage(layers, stage, stages) for stage in range(stages)]
    assert [layer for part in held for layer in part] == list(range(layers))
    assert max(map(len, held)) - min(map(len, held)) <= 1
