"""Scripts of our own in the styles of public ones, as somebody who has one brings it: the words to run it with, the
lines that had to differ from what people write, and what is added to the job file that `yard init job` wrote."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CODE = ROOT / "tests/cloud/scripts/code"
PAGE = ROOT / "docs/learn/scripts.md"
_CHANGED = re.compile(r"#\s*changed: ")


@dataclass(frozen=True, kw_only=True, slots=True)
class Style:
    """One script."""

    folder: str
    style: str
    """Whose way of writing it has, as the page calls it."""
    arguments: Sequence[str] = ()
    """What stands behind its name on the command line."""
    more: str = ""
    """What its job file needs besides what `yard init job` wrote."""
    several: bool = False
    """Whether its processes on several nodes are ranks of one group; else each trains the same."""

    @property
    def job(self) -> str:
        """The name of its job."""
        return self.folder.replace("_", "-")

    @property
    def path(self) -> Path:
        """The script."""
        return CODE / self.folder / "train.py"

    @property
    def changed(self) -> int:
        """How many of its lines had to be written otherwise than for another place."""
        return len(_CHANGED.findall(self.path.read_text(encoding="utf-8")))


_TABLE_ROW = r"""
[[metrics]]
name = "loss"
regex = '^\d+ +([0-9.]+) +[0-9.]+ +[0-9.]+ +\d\d:\d\d'
"""

STYLES = (
    Style(folder="mnist_example", style="PyTorch examples, mnist", arguments=("--save-model",)),
    Style(folder="ddp_tutorial", style="PyTorch examples, ddp tutorial", arguments=("3", "1"), several=True),
    Style(folder="nanogpt", style="nanoGPT", arguments=("--max_iters=20",), several=True),
    Style(folder="mingpt", style="minGPT"),
    Style(folder="lightning_like", style="Lightning", several=True),
    Style(folder="hf_trainer_like", style="Trainer of Hugging Face", several=True),
    Style(folder="accelerate_like", style="Accelerate", several=True),
    Style(folder="fastai_like", style="fastai", more=_TABLE_ROW),
    Style(folder="timm_like", style="timm's train script", several=True),
    Style(folder="keras_like", style="Keras"),
    Style(folder="pyg_like", style="PyTorch Geometric"),
    Style(folder="sagemaker_sdk", style="SageMaker SDK examples", several=True),
    Style(
        folder="torchtune_like",
        style="torchtune recipes",
        arguments=("--config", "recipe.yaml", "lr=0.03"),
        several=True,
    ),
    Style(folder="click_cli", style="click", arguments=("train",)),
    Style(folder="numpy_plain", style="plain NumPy", arguments=("settings.json",)),
)
