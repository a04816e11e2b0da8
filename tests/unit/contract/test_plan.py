"""How ranks share a model, as both sides of the wall count it."""

from contract.plan import Layout, divisors


def test_divisors() -> None:
    assert divisors(12) == [1, 2, 3, 4, 6, 12]


def test_a_layout_that_fits_has_nothing_to_say() -> None:
    layout = Layout(data="hsdp", tensor_parallel=2, pipeline_parallel=2, shard_size=2)
    assert [*layout.misfits(16), *layout.node_misfits(8), *layout.contradictions(accumulation=1, compiled=False)] == []
    assert (layout.model_parts, layout.batch_parts, layout.shards(16)) == (4, 4, 2)
    assert str(layout) == "hsdp x tensor parallel 2 x pipeline parallel 2"


def test_the_option_to_blame_is_named() -> None:
    layout = Layout(data="hsdp", tensor_parallel=3, shard_size=3)
    assert [str(wrong) for wrong in (*layout.misfits(12), *layout.node_misfits(4))] == [
        "shard_size 3 does not divide the 4 data-parallel ranks (12 ranks / 3): choose one of [1, 2, 4]",
        "tensor_parallel 3 does not divide the 4 ranks of a node, whose links it needs: choose one of [1, 2, 4]",
    ]
