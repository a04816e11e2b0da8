"""The state of a training under names: nothing that changes between two saves is missed, whatever was remembered."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from training.pytorch.checkpoint.snapshot import TrainingState
from training.pytorch.checkpoint.staging import Staging


class Counting(nn.Module):
    """A module with a state of its own that is no parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))
        self.seen = {"texts": 0}

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight

    def get_extra_state(self) -> dict[str, int]:
        return dict(self.seen)

    def set_extra_state(self, state: dict[str, int]) -> None:
        self.seen = dict(state)


def make(net: nn.Module | None = None, **options: Any) -> TrainingState:
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)) if net is None else net
    return TrainingState(net, torch.optim.AdamW(net.parameters(), **{"lr": 0.1, **options}))


def step(state: TrainingState) -> None:
    assert state.optimizer is not None
    width = next(iter(state.model.parameters())).shape[-1]
    state.model(torch.randn(5, width)).sum().backward()
    state.optimizer.step()
    state.optimizer.zero_grad()


def copied(state: TrainingState) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in state.read()[0].items()}


def test_as_long_as_nothing_moves_the_same_mapping_comes_back_with_new_numbers() -> None:
    state = make()
    step(state)
    first, before = state.read()[0], copied(state)
    step(state)
    assert state.read()[0] is first
    assert any(not torch.equal(first[name], before[name]) for name in before)
    assert float(first["optimizer.state.0.weight.step"]) == 2
    assert int(first["model.1.num_batches_tracked"]) == 2


@pytest.mark.parametrize("moved", ["parameter", "buffer", "optimizer"])
def test_a_tensor_that_was_replaced_is_found(moved: str) -> None:
    state = make()
    step(state)
    state.read()
    assert state.optimizer is not None
    weight = state.model[0].weight  # type: ignore[index]
    if moved == "parameter":
        weight.data = torch.full((4, 3), 5.0)
        name, expected = "model.0.weight", 5.0
    elif moved == "buffer":
        state.model[1].running_mean = torch.full((4,), 6.0)  # type: ignore[index]
        name, expected = "model.1.running_mean", 6.0
    else:
        state.optimizer.state[weight]["exp_avg"] = torch.full((4, 3), 7.0)
        name, expected = "optimizer.state.0.weight.exp_avg", 7.0
    assert state.read()[0][name].unique().tolist() == [expected]


def test_the_options_of_each_group_are_read_anew_every_time() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))
    groups = [{"params": net[0].parameters(), "lr": 0.1}, {"params": net[1].parameters(), "lr": 0.2}]
    state = TrainingState(net, torch.optim.AdamW(groups))
    step(state)
    state.read()
    assert state.optimizer is not None
    state.optimizer.param_groups[1]["lr"] = 0.3
    values = state.read()[1]
    assert values["optimizer.param_groups.0.bias.lr"] == 0.1
    assert values["optimizer.param_groups.1.weight.lr"] == 0.3


def test_everything_goes_back_where_it_came_from() -> None:
    first = make(nn.Sequential(Counting(), nn.BatchNorm1d(2)), amsgrad=True)
    step(first)
    first.model[0].seen["texts"] = 7  # type: ignore[index]
    first.read()
    first.model[0].seen["texts"] = 9  # type: ignore[index]
    tensors, values = copied(first), first.read()[1]
    second = make(nn.Sequential(Counting(), nn.BatchNorm1d(2)), lr=0.5, amsgrad=True)
    into = second.to_fill(tensors)[0]
    assert into.keys() == tensors.keys()
    for name, tensor in into.items():
        tensor.copy_(tensors[name])
    second.write(values)
    assert second.model[0].seen == {"texts": 9}  # type: ignore[index]
    assert second.optimizer is not None
    assert second.optimizer.param_groups[0]["lr"] == 0.1
    for one, other in zip(copied(first).items(), copied(second).items(), strict=True):
        assert one[0] == other[0]
        assert torch.equal(one[1], other[1])
    torch.manual_seed(2)
    step(first)
    torch.manual_seed(2)
    step(second)
    for one, other in zip(copied(first).values(), copied(second).values(), strict=True):
        assert torch.equal(one, other)


def test_a_staged_copy_does_not_change_with_the_model() -> None:
    state, staging = make(), Staging()
    step(state)
    tensors = state.read()[0]
    staged = staging.copy(tensors, frozenset())
    kept = staged.content.clone()
    step(state)
    assert torch.equal(staged.content, kept)
    assert not torch.equal(staging.copy(state.read()[0], frozenset()).content, kept)
