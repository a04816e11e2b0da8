"""The finished model on its way to model.tar.gz."""

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
    about = {**about, "torch": torch.__version__, "weights": "model.pt"}
    (folder / "model.json").write_text(json.dumps(about, indent=1, sort_keys=True) + "\n")
