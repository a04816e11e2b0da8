"""What changes while a run is under way, or differs between its starts, is saved and comes back."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from threading import Event

import pytest
import torch
from torch import Tensor, nn

from training.pytorch import checkpoint as checkpoint_module
from training.pytorch.checkpoint import Checkpointer
from training.pytorch.process_group import Ranks


class Nets(nn.Module):
    """Two layers of which the second alone may be used."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 1)
        self.uses_first = True

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x) if self.uses_first else x)


def checkpointer(folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, **settings: object) -> Checkpointer:
    return Checkpointer(
        model=model, optimizer=optimizer, ranks=Ranks(), folder=folder, run_id="run", **{"every_steps": 1, **settings}
    )


def run(
    checkpoints: Checkpointer,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    steps: int,
    before: Callable[[int], None] = lambda step: None,
) -> None:
    """Train up to a step; `before` is called at the beginning of each."""
    with checkpoints:
        for step in range(checkpoints.restore() + 1, steps + 1):
            before(step)
            optimizer.zero_grad()
            model(torch.full((2, 3), 0.1 * step)).sum().backward()
            optimizer.step()
            checkpoints.after_step(step)


def assert_same(one: torch.optim.Optimizer, other: torch.optim.Optimizer) -> None:
    """The states of both, parameter by parameter."""
    pairs = zip(one.state_dict()["state"].items(), other.state_dict()["state"].items(), strict=True)
    for (number, state), (other_number, other_state) in pairs:
        assert number == other_number
        assert state.keys() == other_state.keys()
        for name, value in state.items():
            assert torch.equal(torch.as_tensor(value), torch.as_tensor(other_state[name])), name


def test_parameters_that_join_the_optimizer_after_the_first_save_are_saved_with_their_state(tmp_path: Path) -> None:
    net = Nets()
    optimizer = torch.optim.AdamW(net.second.parameters())

    def unfreeze(step: int) -> None:
        if step == 2:
            optimizer.add_param_group({"params": list(net.first.parameters())})

    run(checkpointer(tmp_path, net, optimizer), net, optimizer, 3, unfreeze)
    again = Nets()
    resumed = torch.optim.AdamW(again.second.parameters())
    resumed.add_param_group({"params": list(again.first.parameters())})
    assert checkpointer(tmp_path, again, resumed).restore() == 3
    assert_same(optimizer, resumed)


class Counter:
    """A position that is handed out itself, not as a copy."""

    def __init__(self) -> None:
        self.state = {"seen": [0]}

    def state_dict(self) -> dict[str, list[int]]:
        return self.state

    def load_state_dict(self, state: dict[str, list[int]]) -> None:
        self.state = state


def test_what_changes_while_it_is_written_is_saved_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net, counter, changed, save = Nets(), Counter(), Event(), torch.save
    optimizer, average = torch.optim.SGD(net.parameters(), lr=0.1), deepcopy(net)

    def late(*arguments: object) -> None:
        assert changed.wait(20)
        save(*arguments)

    monkeypatch.setattr(checkpoint_module.torch, "save", late)
    also = {"average": average, "counter": counter}
    checkpoints = checkpointer(tmp_path, net, optimizer, also=also, every_steps=None)
    checkpoints.save()
    average.first.weight.data.fill_(9)
    counter.state["seen"][0] = 9
    changed.set()
    checkpoints.wait()
    checkpointer(tmp_path, net, optimizer, also=also).restore()
    assert torch.equal(average.first.weight, net.first.weight)
    assert counter.state == {"seen": [0]}
