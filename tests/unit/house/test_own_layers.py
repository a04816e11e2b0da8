"""The layer of our own code in each image: what is left out is needed by nothing in it, and what is in it is small."""

import ast
import compileall
import gzip
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shardyard.spec.product import IMAGE_ROOMS

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = sorted(path.parent for path in (ROOT / "containers").glob("*/Dockerfile.dockerignore"))
MOST_BYTES = 1_000_000


def left_out(folder: Path) -> list[str]:
    """The parts of `training` that an image goes without."""
    lines = (folder / "Dockerfile.dockerignore").read_text().splitlines()
    return [line for line in lines if line.startswith("training/")]


def own_code(folder: Path) -> Iterator[Path]:
    """The files that its Dockerfile copies."""
    rooms = [room for room in IMAGE_ROOMS if f"COPY {room} " in (folder / "Dockerfile").read_text()]
    out = [ROOT / name for name in left_out(folder)]
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*")):
            cached = "__pycache__" in path.parts
            if path.is_file() and not cached and not any(path.is_relative_to(one) for one in out):
                yield path


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_what_is_left_out_is_there_and_imported_by_nothing_that_is_not(folder: Path) -> None:
    out = left_out(folder)
    assert out and all((ROOT / name).is_dir() for name in out)
    gone = tuple(name.replace("/", ".") for name in out)
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in own_code(folder)
        if path.suffix == ".py"
        for name in imported(path)
        if any(name == one or name.startswith(f"{one}.") for one in gone)
    ]
    assert found == []


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_our_own_layer_is_small_compiled_and_compressed(folder: Path, tmp_path: Path) -> None:
    for path in own_code(folder):
        copy = tmp_path / "layer" / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    mode = compileall.py_compile.PycInvalidationMode.UNCHECKED_HASH  # type: ignore[attr-defined]
    assert compileall.compile_dir(tmp_path / "layer", quiet=1, invalidation_mode=mode, stripdir=str(tmp_path / "layer"))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(tmp_path / "layer", arcname="opt/shardyard")
    assert len(gzip.compress(packed.getvalue(), 6, mtime=0)) < MOST_BYTES
