"""The finished model on its way to model.tar.gz."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch


def save_model(folder: Path, weights: Mapping[str, torch.Tensor], about: Mapping[str, Any]) -> None:
    """Write `model.pt` (a state dict) and `model.json` (what it is); neither ever exists half."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / ".model.pt.tmp"
    torch.save({name: tensor.detach().cpu() for name, tensor in weights.items()}, temporary)
    os.replace(temporary, folder / "model.pt")
    about = {**about, "torch": torch.__version__, "weights": "model.pt", "weights_sha256": digest(weights)}
    (folder / "model.json").write_text(json.dumps(about, indent=1, sort_keys=True) + "\n")


def digest(weights: Mapping[str, torch.Tensor]) -> str:
    """The same for the same weights, bit for bit; the file's own digest would differ by its zip's times."""
    found = hashlib.sha256()
    for name in sorted(weights):
        tensor = weights[name].detach().cpu().contiguous()
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\0".encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()
