"""The state of an optimizer under the names of the parameters: read and written where it lies.

The optimizer's own load_state_dict is not asked: it rounds states to their parameters' type, and knows no names.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import torch
from torch import nn
from torch.distributed.checkpoint.state_dict import _get_fqns, _init_optim_state

from training.pytorch.checkpoint.staging import copied
from training.saves.unfit import Unfit

STATE, GROUPS = "optimizer.state.", "optimizer.param_groups."
_NEEDS_MORE = (torch.optim.LBFGS, torch.optim.SparseAdam)
"""Before a state can be loaded it must be there, and one step without gradients does not make that of these."""

Slot = tuple[str, dict[Any, Any], Any]
"""The name of a value, the dictionary that holds it, and its key there."""


class OptimizerState:
    """What an optimizer has learnt of each parameter, and the options of each of its groups."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        if isinstance(optimizer, _NEEDS_MORE):
            raise Unfit(f"the state of {type(optimizer).__name__} cannot be restored: use another optimizer")
        self._model, self._optimizer = model, optimizer
        self._names: dict[torch.Tensor, str] = {}
        self.look_names_up()

    def look_names_up(self) -> None:
        """Note every parameter's name; those of FSDP2 must be sharded, as they are after each state_dict."""
        named = self._model.named_parameters()
        self._names = {parameter: next(iter(_get_fqns(self._model, name))) for name, parameter in named}
        for group in self._optimizer.param_groups:
            for parameter in group["params"]:
                if parameter not in self._names:
                    raise Unfit(
                        f"the optimizer has a parameter of shape {list(parameter.shape)} that the model does not have: "
                        "give Checkpointer one model that holds all that is trained, an nn.ModuleList for example"
                    )

    def read(self) -> dict[str, Any]:
        """The state, not copied."""
        return {name: holder[key] for name, holder, key in self._all_slots()}

    def options(self) -> dict[str, Any]:
        """Copies of learning rates and the like, for each parameter: groups may be others at the next start."""
        found: dict[str, Any] = {}
        for group in self._optimizer.param_groups:
            own = [(key, copied(value)) for key, value in group.items() if key != "params"]
            for parameter in group["params"]:
                prefix = f"{GROUPS}{self._names[parameter]}."
                found.update({prefix + key: value for key, value in own})
        return found

    def make(self, saved: Collection[str]) -> None:
        """Have a state of each parameter of which one was saved.

        An optimizer makes it at a parameter's first gradient, so there may have been none.
        """
        self._optimizer.state.clear()
        self._optimizer.zero_grad(set_to_none=True)  # or torch takes the state for made
        _init_optim_state(self._optimizer)
        for parameter, name in self._names.items():
            made = {slot for slot, _, _ in _slots(f"{STATE}{name}", self._optimizer.state.get(parameter, {}))}
            if made.isdisjoint(saved):
                self._optimizer.state.pop(parameter, None)

    def write(self, values: Mapping[str, Any]) -> None:
        """Put back what is no tensor; tensors have been filled in place."""
        for name, holder, key in self._all_slots():
            if not isinstance(holder[key], torch.Tensor):
                holder[key] = values[name]
        for group in self._optimizer.param_groups:
            for key in group.keys() - {"params"} if group["params"] else ():
                value = values[f"{GROUPS}{self._names[group['params'][0]]}.{key}"]
                if isinstance(group[key], torch.Tensor):
                    group[key].copy_(torch.as_tensor(value))
                else:
                    group[key] = value

    def values(self) -> Iterator[Any]:
        """All of the state, without its names."""
        for state in self._optimizer.state.values():
            for _, holder, key in _slots("", state):
                yield holder[key]

    def members(self) -> list[list[int]]:
        """Which parameters are in which group."""
        return [[id(parameter) for parameter in group["params"]] for group in self._optimizer.param_groups]

    def _all_slots(self) -> Iterator[Slot]:
        for parameter, state in self._optimizer.state.items():
            yield from _slots(f"{STATE}{self._names[parameter]}", state)


def _slots(name: str, state: dict[Any, Any]) -> Iterator[Slot]:
    for key, value in state.items():
        if isinstance(value, dict):
            yield from _slots(f"{name}.{key}", value)
        else:
            yield f"{name}.{key}", state, key
