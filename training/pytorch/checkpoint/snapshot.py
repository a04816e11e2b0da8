"""The state of a model and its optimizer under names that stay: what a checkpoint is made of and goes back into."""

from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict, set_model_state_dict

from training.pytorch.checkpoint.optimizer_state import OptimizerState
from training.pytorch.checkpoint.staging import copied, local

PARTIAL = StateDictOptions(strict=False)
MODEL = "model."


class TrainingState:
    """A model and its optimizer under names that do not change with the plan or the number of ranks."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer | None) -> None:
        self.model, self.optimizer = model, optimizer
        self._learnt: OptimizerState | None = None
        # Only what FSDP2 has sharded, as it does for this, is what the optimizer knows
        self._tensors = self.model_tensors()
        if optimizer is not None:
            self._learnt = OptimizerState(model, optimizer)
        self._memory: list[Any] | None = None

    def model_tensors(self) -> dict[str, torch.Tensor]:
        """The model's own tensors, not copies of them."""
        return self._split(self._model_state())[0]

    def read(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """All tensors, not copied, and copies of everything else (learning rates, a module's own state).

        As long as all tensors lie where they lay, the same mapping comes back: to look all names up again would take
        longer than to copy a small model.
        """
        values: dict[str, Any] = {}
        if self._memory is None or self._memory != self._look():
            everything = self._model_state()
            if self._learnt is not None:
                self._learnt.look_names_up()
                everything.update(self._learnt.read())
            self._tensors, others = self._split(everything)
            values = copied(others)
            # Values that are no tensors may have changed next time, and then have to be looked up again
            self._memory = None if values else self._look()
        return self._tensors, values if self._learnt is None else {**values, **self._learnt.options()}

    def to_fill(self, saved: Collection[str]) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """The same, with room for all state of the optimizer that was saved."""
        if self._learnt is not None:
            self._learnt.make(saved)
        return self.read()

    def write(self, values: Mapping[str, Any]) -> None:
        """Put back what is no tensor; tensors have been filled in place already."""
        own = {name.removeprefix(MODEL): value for name, value in values.items() if name.startswith(MODEL)}
        if own:
            set_model_state_dict(self.model, own, options=PARTIAL)
        if self._learnt is not None:
            self._learnt.write(values)

    def _model_state(self) -> dict[str, Any]:
        return {MODEL + name: value for name, value in get_model_state_dict(self.model).items()}

    def _split(self, everything: Mapping[str, Any]) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Tensors that lie in the model or the optimizer, and what a module or a hook made for this call."""
        memory = {_memory_of(value) for value in self._values() if isinstance(value, torch.Tensor)}
        tensors: dict[str, torch.Tensor] = {}
        values: dict[str, Any] = {}
        for name, value in everything.items():
            if isinstance(value, torch.Tensor) and _memory_of(value) in memory:
                tensors[name] = value
            else:
                values[name] = value
        return tensors, values

    @torch.no_grad()
    def _look(self) -> list[Any]:
        """Where every tensor lies, and which parameters the optimizer has in which group."""
        addresses = [_address(value) if isinstance(value, torch.Tensor) else None for value in self._values()]
        return [addresses, None if self._learnt is None else self._learnt.members()]

    def _values(self) -> list[Any]:
        state = () if self._learnt is None else self._learnt.values()
        return [*self.model.parameters(), *self.model.buffers(), *state]


def _memory_of(tensor: torch.Tensor) -> int:
    address: int = local(tensor).untyped_storage().data_ptr()
    return address


def _address(tensor: torch.Tensor) -> tuple[int, torch.Size, tuple[int, ...]]:
    held = local(tensor)
    return held.data_ptr(), held.shape, held.stride()
