"""What changes while a run is under way, or differs between its starts, is saved and comes back."""

import re
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from training.pytorch.checkpoint import checkpointer as checkpoint_module
from training.pytorch.checkpoint.checkpointer import Checkpointer
from training.pytorch.checkpoint.staging import copied
from training.pytorch.process_group import Ranks
from training.saves.unfit import Unfit


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


class Position:
    """A position that is handed out itself, not as a copy."""

    def __init__(self) -> None:
        self.state = {"seen": [0]}

    def state_dict(self) -> dict[str, list[int]]:
        return self.state

    def load_state_dict(self, state: dict[str, list[int]]) -> None:
        self.state = state


def test_what_changes_while_it_is_written_is_saved_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net, counter, changed, save = Nets(), Position(), Event(), torch.save
    optimizer, average = torch.optim.SGD(net.parameters(), lr=0.1), deepcopy(net)

    def late(*arguments: object) -> None:
        assert changed.wait(20)
        save(*arguments)

    monkeypatch.setattr(checkpoint_module.torch, "save", late)
    also = {"average": average, "counter": counter}
    checkpoints = checkpointer(tmp_path, net, optimizer, also=also, every_steps=None)
    checkpoints.restore()
    checkpoints.save()
    average.first.weight.data.fill_(9)
    counter.state["seen"][0] = 9
    changed.set()
    checkpoints.wait()
    checkpointer(tmp_path, net, optimizer, also=also).restore()
    assert torch.equal(average.first.weight, net.first.weight)
    assert counter.state == {"seen": [0]}


def test_a_copy_is_of_the_same_types() -> None:
    state = nn.BatchNorm1d(2).state_dict()
    value = {"state": state, "pair": (1, [2]), "set": {3}, "milestones": Counter([4, 4])}
    same = copied(value)
    state["weight"].fill_(9)
    assert same["state"]["weight"].tolist() == [1, 1]
    assert same["state"]._metadata == state._metadata
    assert (same["pair"], same["set"], same["milestones"]) == ((1, [2]), {3}, {4: 2})
    assert same["pair"][1] is not value["pair"][1]


def test_a_parameter_that_had_no_gradient_yet_comes_back_without_a_state(tmp_path: Path) -> None:
    net = Nets()
    net.uses_first = False
    optimizer = torch.optim.AdamW(net.parameters())
    run(checkpointer(tmp_path, net, optimizer), net, optimizer, 2)
    again = Nets()
    resumed = torch.optim.AdamW(again.parameters())
    assert checkpointer(tmp_path, again, resumed).restore() == 2
    assert_same(optimizer, resumed)
    assert again.first.weight not in resumed.state


def test_gradients_that_are_left_over_do_not_keep_the_state_away(tmp_path: Path) -> None:
    net = Nets()
    optimizer = torch.optim.AdamW(net.parameters())
    run(checkpointer(tmp_path, net, optimizer), net, optimizer, 2)
    again = Nets()
    again(torch.ones(2, 3)).sum().backward()
    resumed = torch.optim.AdamW(again.parameters())
    assert checkpointer(tmp_path, again, resumed).restore() == 2
    assert_same(optimizer, resumed)


def test_an_optimizer_without_a_state_takes_parameters_in_between(tmp_path: Path) -> None:
    net = Nets()
    optimizer = torch.optim.SGD(net.second.parameters(), lr=0.1)

    def unfreeze(step: int) -> None:
        if step == 2:
            optimizer.add_param_group({"params": list(net.first.parameters()), "lr": 0.2})

    run(checkpointer(tmp_path, net, optimizer), net, optimizer, 3, unfreeze)
    again = Nets()
    groups = [{"params": again.second.parameters()}, {"params": again.first.parameters()}]
    resumed = torch.optim.SGD(groups, lr=0.5)
    assert checkpointer(tmp_path, again, resumed).restore() == 3
    assert [group["lr"] for group in resumed.param_groups] == [0.1, 0.2]


def test_what_is_empty_is_no_obstacle(tmp_path: Path) -> None:
    def make() -> tuple[nn.Module, torch.optim.Optimizer]:
        net = Nets()
        net.empty = nn.Parameter(torch.empty(0, 4))
        return net, torch.optim.AdamW([{"params": net.parameters()}, {"params": [], "weight_decay": 0.0}])

    net, optimizer = make()
    run(checkpointer(tmp_path, net, optimizer), net, optimizer, 2)
    again, resumed = make()
    assert checkpointer(tmp_path, again, resumed).restore() == 2
    assert_same(optimizer, resumed)


class Exact(torch.optim.Optimizer):
    """Keeps parameters in full precision, a count that is no tensor, and a history that is made anew at each step."""

    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters, {"lr": torch.tensor(0.1)})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        for parameter in self.param_groups[0]["params"]:
            state = self.state[parameter]
            if not state:
                state.update(exact=parameter.double(), count=0, past={0: torch.zeros_like(parameter)})
            state["count"] += 1
            state["past"][0] = state["past"][0] + 1
            state["exact"] -= self.param_groups[0]["lr"] * parameter.grad
            parameter.copy_(state["exact"])


def test_a_state_of_any_form_comes_back_as_it_was(tmp_path: Path) -> None:
    net = Nets()
    optimizer = Exact(net.parameters())
    run(checkpointer(tmp_path, net, optimizer), net, optimizer, 3)
    again = Nets()
    resumed = Exact(again.parameters())
    rate = resumed.param_groups[0]["lr"].zero_()
    assert checkpointer(tmp_path, again, resumed).restore() == 3
    state, expected = resumed.state[again.first.weight], optimizer.state[net.first.weight]
    assert state["exact"].dtype == torch.float64
    assert torch.equal(state["exact"], expected["exact"])
    assert (state["count"], state["past"][0].unique().tolist()) == (3, [3])
    assert resumed.param_groups[0]["lr"] is rate, "a schedule or a compiled step may hold it"
    assert float(rate) == pytest.approx(0.1)


def test_nested_state_that_is_made_anew_is_not_missed(tmp_path: Path) -> None:
    class OnlyTensors(Exact):
        @torch.no_grad()
        def step(self, closure: Any = None) -> None:
            for parameter in self.param_groups[0]["params"]:
                past = self.state[parameter].setdefault("past", {0: torch.zeros_like(parameter)})
                past[0] = past[0] + 1

    net = Nets()
    optimizer = OnlyTensors(net.parameters())
    run(checkpointer(tmp_path, net, optimizer), net, optimizer, 3)
    again = Nets()
    resumed = OnlyTensors(again.parameters())
    assert checkpointer(tmp_path, again, resumed).restore() == 3
    assert resumed.state[again.first.weight]["past"][0].unique().tolist() == [3]


class Packed(nn.Linear):
    """Keeps something in a form of its own, and makes a tensor of it for each state_dict."""

    scale = 1.0

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination[f"{prefix}scale"] = torch.tensor(self.scale)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *arguments: Any) -> None:
        self.scale = float(state_dict.pop(f"{prefix}scale"))
        super()._load_from_state_dict(state_dict, prefix, *arguments)


def test_what_a_module_packs_for_a_state_dict_is_saved_anew_and_unpacked(tmp_path: Path) -> None:
    def make() -> tuple[nn.Module, torch.optim.Optimizer]:
        net = nn.Sequential(Packed(3, 1))
        return net, torch.optim.SGD(net.parameters(), lr=0.1)

    net, optimizer = make()
    run(checkpointer(tmp_path, net, optimizer), net, optimizer, 3, lambda step: setattr(net[0], "scale", float(step)))
    again, resumed = make()
    assert checkpointer(tmp_path, again, resumed).restore() == 3
    assert again[0].scale == 3
    assert torch.equal(again[0].weight, net[0].weight)


def wider() -> tuple[nn.Module, torch.optim.Optimizer]:
    net = Nets()
    net.second = nn.Linear(3, 2)
    return net, torch.optim.AdamW(net.parameters())


def deeper() -> tuple[nn.Module, torch.optim.Optimizer]:
    net = Nets()
    net.third = nn.Linear(1, 1)
    return net, torch.optim.AdamW(net.parameters())


def steeper() -> tuple[nn.Module, torch.optim.Optimizer]:
    net = Nets()
    return net, torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)


@pytest.mark.parametrize(
    ("make", "difference"),
    [
        (wider, "has model.second.weight as [1, 3], which is [2, 3] here"),
        (deeper, "has no model.third.weight"),
        (steeper, "has no optimizer.param_groups.first.bias.dampening"),
    ],
)
def test_a_save_of_another_model_is_refused_by_the_first_difference(
    tmp_path: Path, make: Callable[[], tuple[nn.Module, torch.optim.Optimizer]], difference: str
) -> None:
    net = Nets()
    optimizer = torch.optim.AdamW(net.parameters())
    run(checkpointer(tmp_path, net, optimizer), net, optimizer, 2)
    advice = "go on with the model and the optimizer that it was saved with, or start under another run id"
    with pytest.raises(Unfit, match=rf"^step-00000002-g1 {re.escape(difference)} \(\d+ more differ\): {advice}$"):
        checkpointer(tmp_path, *make()).restore()
