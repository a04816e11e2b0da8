"""What the Docker daemon says of an image."""

import io
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

IMAGE_VARIABLE = "YARD_TEST_PYTORCH"
"""The daemon's name of the image of containers/pytorch for processors, where `make test-containers` could build it."""
TENSORFLOW_VARIABLE = "YARD_TEST_TENSORFLOW"
"""The daemon's name of the image of containers/tensorflow for processors."""
BUILT_SECONDS_VARIABLE = "YARD_TEST_PYTORCH_SECONDS"
"""How long the build of containers/pytorch took."""
OWN_CODE = "opt/shardyard/training/launcher/main.py"
"""A file that the layer of our own code has."""


def inspect(name: str) -> dict[str, Any]:
    """The image's configuration, size and names."""
    said = subprocess.run(["docker", "image", "inspect", name], capture_output=True, check=True).stdout
    found: dict[str, Any] = json.loads(said)[0]
    return found


def layers(name: str, *, above: int = 0) -> list[bytes]:
    """The layers as the daemon saves them, the lowest first, without so many of the lowest."""
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "image.tar"
        subprocess.run(["docker", "save", "--output", str(saved), name], check=True)
        with tarfile.open(saved) as tar:
            (image,) = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
            return [tar.extractfile(path).read() for path in image["Layers"][above:]]  # type: ignore[union-attr]


def own_layer(name: str, *, above: int) -> bytes:
    """The one layer, of those above so many, that has our own code."""
    (found,) = [layer for layer in layers(name, above=above) if OWN_CODE in names(layer)]
    return found


def names(layer: bytes) -> list[str]:
    """The files of a layer."""
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        return tar.getnames()
