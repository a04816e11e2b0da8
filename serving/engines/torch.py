"""PyTorch models: TorchScript, exported programs, and the state dicts of this repository's own programs."""

import importlib
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy

from serving.engines.errors import Unservable, need
from serving.engines.shapes import numbers, rows_of

_BATCH = 8
"""More rows at once are slower for each on a processor."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Own:
    """How a class of this repository's programs is made again from its model.json."""

    build: Callable[[Any, Mapping[str, Any], Mapping[str, Any]], Any]
    """The module, of the class, model.json and the weights."""
    shape: Callable[[Mapping[str, Any]], tuple[int, ...]]
    """A row's shape."""
    scale: float = 1.0
    """What a value of a request is multiplied with."""
    channels: tuple[int, ...] = ()
    """Dimensions that requests leave out."""


_OWN = {
    "training.pytorch.programs.mnist.Net": _Own(
        build=lambda made, about, weights: made(about["width"]),
        shape=lambda about: (28, 28),
        scale=1 / 255,
        channels=(1,),
    ),
    "training.pytorch.programs.linear.Regression": _Own(
        build=lambda made, about, weights: made(weights["mean"], weights["deviation"]),
        shape=lambda about: (about["features"],),
    ),
}


class TorchEngine:
    """A module from tensors to tensors."""

    name = "PyTorch"
    batch = _BATCH

    def __init__(self, module: Any, *, shape: tuple[int, ...] | None = None, own: _Own | None = None) -> None:
        torch = need("torch", "torch", "the model")
        self._torch = torch
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = module.to(self._device)
        self._shape = shape
        self._own = own
        layers = module.modules() if hasattr(module, "modules") else ()
        # Twice as fast on a processor, and on a GPU with tensor cores
        self._format = torch.contiguous_format
        if any(isinstance(layer, torch.nn.Conv2d) for layer in layers):
            self._format = torch.channels_last
            self.model = self.model.to(memory_format=self._format)

    def prepare(self, decoded: Any) -> numpy.ndarray:
        """Rows of 32 bits, in the model's shape where it is known."""
        found = numbers(decoded)
        if self._shape is None:
            return found if found.ndim > 1 else found.reshape(1, -1)
        if found.ndim == len(self._shape) + 2 and found.shape[-1] in (3, 4) and self._own is not None:
            found = found[..., :3].mean(axis=-1)  # a picture in colours, for a model of grey ones
        return rows_of(found, self._shape)

    def predict(self, rows: numpy.ndarray) -> Any:
        """What the module says, without gradients."""
        torch = self._torch
        with torch.inference_mode():
            given = torch.from_numpy(rows if rows.flags.writeable else rows.copy()).to(self._device)
            if self._own is not None:
                given = given * self._own.scale
                for _ in self._own.channels:
                    given = given.unsqueeze(1)
            if given.ndim == 4:
                given = given.contiguous(memory_format=self._format)
            return _arrays(self.model(given))


def _arrays(found: Any) -> Any:
    if isinstance(found, Mapping):
        return {name: _arrays(value) for name, value in found.items()}
    if isinstance(found, list | tuple):
        return _arrays(found[0]) if len(found) == 1 else {f"output_{i}": _arrays(one) for i, one in enumerate(found)}
    return found.cpu().numpy()


def read_about(folder: Path) -> Mapping[str, Any]:
    """model.json, if a program of ours has left one."""
    path = folder / "model.json"
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise Unservable(f"model.json is no JSON: {error}") from error
    return found if isinstance(found, dict) else {}


def load_torch(path: Path, about: Mapping[str, Any]) -> TorchEngine:
    """A file of torch's, by what it holds."""
    torch = need("torch", "torch", path.name)
    if path.suffix == ".pt2":
        return TorchEngine(torch.export.load(str(path)).module())
    if _is_script(path):
        return TorchEngine(torch.jit.load(str(path), map_location="cpu").eval())
    name = about.get("model")
    own = _OWN.get(name) if isinstance(name, str) else None
    if own is None or not isinstance(name, str):
        of = f" of {name}" if name else ""
        raise Unservable(
            f"{path.name} holds weights alone{of}, and no code that makes the model: write code/inference.py with "
            "model_fn, or save the model with torch.jit.script or torch.export"
        )
    weights = torch.load(path, map_location="cpu", weights_only=True)
    module_name, _, class_name = name.rpartition(".")
    made = getattr(importlib.import_module(module_name), class_name)
    module = own.build(made, about, weights)
    module.load_state_dict(weights)
    return TorchEngine(module.eval(), shape=own.shape(about), own=own)


def _is_script(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except zipfile.BadZipFile:
        return False
