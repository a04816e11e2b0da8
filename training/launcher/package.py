"""Where the packages that run here lie, and which frameworks lie beside them."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

PACKAGE_ROOT = str(Path(__file__).parents[2])
"""What holds `contract` and `training`: a folder of the image, or the launcher's zip."""
FRAMEWORKS = (
    *("torch", "tensorflow", "tensorflow_cpu", "keras", "jax", "lightning", "pytorch_lightning", "transformers"),
    *("accelerate", "deepspeed", "timm", "fastai", "xgboost", "scikit_learn", "numpy"),
)
"""As the folders of their metadata are named, in the order in which they are told."""


def versions_of_frameworks(places: Sequence[str] = sys.path) -> str:
    """Python's version and those of the frameworks, by their folders' names: importing one takes a second."""
    found: dict[str, str] = {}
    for place in places:
        if os.path.basename(place) in ("site-packages", "dist-packages") and os.path.isdir(place):
            for name in os.listdir(place):
                package, _, version = name.removesuffix(".dist-info").rpartition("-")
                if name.endswith(".dist-info") and package in FRAMEWORKS:
                    found.setdefault(package, version)
    told = [f"{name.replace('_', '-')} {found[name]}" for name in FRAMEWORKS if name in found]
    return ", ".join([f"Python {sys.version.split()[0]}", *told])
