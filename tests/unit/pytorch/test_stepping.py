"""Clipping, where torch's own can be asked; under sharding `tests/distributed` compares."""

import pytest
import torch

from training.pytorch.parallel.stepping import clip_gradients


@pytest.mark.parametrize("max_norm", [0.5, 1e6])
def test_one_process_clips_as_torch_does(max_norm: float) -> None:
    torch.manual_seed(0)
    ours, theirs = ([torch.nn.Parameter(torch.zeros(size)) for size in (3, 5)] for _ in range(2))
    for one, other in zip(ours, theirs, strict=True):
        one.grad = torch.randn_like(one)
        other.grad = one.grad.clone()
    assert float(clip_gradients(ours, max_norm)) == pytest.approx(
        float(torch.nn.utils.clip_grad_norm_(theirs, max_norm))
    )
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_without_a_norm_nothing_is_clipped() -> None:
    parameter = torch.nn.Parameter(torch.zeros(2))
    parameter.grad = torch.tensor([3.0, 4.0])
    assert float(clip_gradients([parameter], None)) == 5
    assert parameter.grad.tolist() == [3, 4]
