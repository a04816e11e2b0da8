"""What a plan makes of a model in one process."""

import pytest

from training.pytorch.models.gpt.model import GPTConfig
from training.pytorch.models.gpt.parallelize import build
from training.pytorch.parallel.plan import Plan
from training.pytorch.process_group import Ranks

CONFIG = GPTConfig(vocabulary=8, layers=2, width=8, heads=2, kv_heads=1, hidden=16, context=4)


@pytest.mark.parametrize("wanted", [False, True])
def test_compile_is_a_switch_for_every_block(wanted: bool) -> None:
    model = build(CONFIG, Plan(compile=wanted), Ranks(), seed=1).model
    assert [block._compiled_call_impl is not None for block in model.blocks.values()] == [wanted] * 2
