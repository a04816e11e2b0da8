"""The Python that has TensorFlow."""

import os
from pathlib import Path

from embedded.nodes import image_environment

ROOT = Path(__file__).parents[2]


def interpreter() -> str:
    """That of the image's environment, or the one that SHARDYARD_TENSORFLOW_PYTHON names."""
    given = os.environ.get("SHARDYARD_TENSORFLOW_PYTHON")
    if given is not None:
        return given
    return str(image_environment.ensure(ROOT / "containers" / "tensorflow" / "requirements.txt") / "bin" / "python")
