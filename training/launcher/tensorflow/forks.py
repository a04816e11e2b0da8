"""Whether a program can live in a fork of a process that has TensorFlow imported."""

import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from contract.variables import SOURCE_SHA256

_SET_BEFORE_IMPORT = re.compile(rb"""["'](?:TF_(?!CONFIG\b)[A-Z0-9_]+|KERAS_[A-Z0-9_]+|XLA_FLAGS)["']""")
"""Variables that TensorFlow and Keras read when they are imported. A program that names one may set it before that."""


def bears_fork(channel_dir: Path, code_dir: Path, environ: Mapping[str, str]) -> bool:
    """Read the user's code, which may still be in its zip, for variables that would come too late in a fork."""
    texts = _zipped(channel_dir) if SOURCE_SHA256 in environ else _unpacked(code_dir)
    return not any(_SET_BEFORE_IMPORT.search(text) for text in texts)


def _zipped(folder: Path) -> Iterator[bytes]:
    for path in folder.rglob("*.zip"):
        # What is wrong with it is said when it is unpacked
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as bundle:
                for name in bundle.namelist():
                    if name.endswith(".py"):
                        yield bundle.read(name)


def _unpacked(folder: Path) -> Iterator[bytes]:
    for path in folder.rglob("*.py"):
        yield path.read_bytes()
