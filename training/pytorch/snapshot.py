"""The state of a model and its optimizer under names that stay: what a checkpoint is made of and goes back into."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)

from training.pytorch.staging import local

FLAT = StateDictOptions(flatten_optimizer_state_dict=True)
PARTIAL = StateDictOptions(strict=False)
MODEL, OPTIMIZER, GROUPS = "model.", "optimizer.", "param_groups."
_OWN_STATE = "_extra_state"
"""What a module's own get_extra_state gives: it may be made anew at each call, so it cannot be filled in place."""

Memory = list[tuple[int, torch.Size]]


class TrainingState:
    """A model and its optimizer under names that do not change with the plan or the number of ranks."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer | None) -> None:
        self.model, self.optimizer = model, optimizer
        self._tensors: dict[str, torch.Tensor] = {}
        self._memory: Memory | None = None
        self._named_groups: list[list[str]] = []
        """The names of the parameters in each of the optimizer's groups."""

    def model_tensors(self) -> dict[str, torch.Tensor]:
        """The model's own tensors, not copies of them."""
        return {name: value for name, value in self._model_state().items() if _is_tensor(name, value)}

    def read(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """All tensors, not copied, and everything else (learning rates, a module's own state).

        As long as all tensors lie where they lay, the same mapping comes back: to look all names up again would take
        longer than to copy a small model.
        """
        values: dict[str, Any] = {}
        if self._memory is None or self._memory != self._look():
            everything = self._model_state()
            if self.optimizer is not None:
                everything.update(self._optimizer_state(self.optimizer))
            self._tensors = {name: value for name, value in everything.items() if _is_tensor(name, value)}
            values = {name: value for name, value in everything.items() if name not in self._tensors}
            # Values that are no tensors may have changed next time, and then have to be looked up again
            self._memory = None if values else self._look()
        return self._tensors, {**values, **self._group_values()}

    def write(self, tensors: Mapping[str, torch.Tensor], values: Mapping[str, Any]) -> None:
        """Put back what `read` gave; the model's tensors have been filled in place already."""
        own = {name.removeprefix(MODEL): value for name, value in values.items() if name.startswith(MODEL)}
        if own:
            set_model_state_dict(self.model, own, options=PARTIAL)
        if self.optimizer is None:
            return
        flat = {**tensors, **values}
        flat = {name.removeprefix(OPTIMIZER): value for name, value in flat.items() if name.startswith(OPTIMIZER)}
        set_optimizer_state_dict(self.model, self.optimizer, flat, options=FLAT)

    def _model_state(self) -> dict[str, Any]:
        return {MODEL + name: value for name, value in get_model_state_dict(self.model).items()}

    def _optimizer_state(self, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
        """The state of each parameter; what belongs to a group of them is read anew each time."""
        groups: Any = get_optimizer_state_dict(self.model, optimizer)["param_groups"]
        self._named_groups = [group["params"] for group in groups]
        flat = get_optimizer_state_dict(self.model, optimizer, options=FLAT)
        return {OPTIMIZER + name: value for name, value in flat.items() if not name.startswith(GROUPS)}

    def _group_values(self) -> dict[str, Any]:
        groups = [] if self.optimizer is None else self.optimizer.param_groups
        return {
            f"{OPTIMIZER}{GROUPS}{name}.{key}": value
            for names, group in zip(self._named_groups, groups, strict=True)
            for key, value in group.items()
            if key != "params"
            for name in names
        }

    @torch.no_grad()
    def _look(self) -> Memory:
        """Where every tensor lies."""
        return [(held.data_ptr(), held.shape) for held in map(local, self._all_tensors())]

    def _all_tensors(self) -> Iterator[torch.Tensor]:
        yield from self.model.parameters()
        yield from self.model.buffers()
        states = {} if self.optimizer is None else self.optimizer.state
        for state in states.values():
            for value in state.values():
                if isinstance(value, torch.Tensor):
                    yield value


def _is_tensor(name: str, value: Any) -> bool:
    return isinstance(value, torch.Tensor) and not name.endswith(_OWN_STATE)
