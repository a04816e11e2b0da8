"""The folders of running jobs."""

import contextlib
import os
import shutil
from pathlib import Path
from typing import Any

from embedded.nodes.engine import CONTAINER_ROOT

_LINKS_MOST = 40


def node_files(folder: Path, ml: Path, *, follows_links: bool = True) -> dict[Path, Path]:
    """The files below a folder of a node, each with the path of its content; `ml` is the node's /opt/ml.

    A program may remove folders at the same moment: what is already gone is not found.
    """
    if folder.is_symlink() and not follows_links:
        return {}
    paths = [Path(place, name) for place, _, names in os.walk(folder) for name in names]
    if not follows_links:
        paths = [path for path in paths if not path.is_symlink()]
    found = {path: real_file(path, ml) for path in paths}
    return {path: real for path, real in sorted(found.items()) if real is not None}


def real_file(path: Path, ml: Path) -> Path | None:
    """The path of a file's content: follows links as the node would, but never out of its /opt/ml."""
    for _ in range(_LINKS_MOST):
        if not path.is_symlink():
            return path if path.is_file() and path.resolve().is_relative_to(ml.resolve()) else None
        target = os.readlink(path)
        inside = target.startswith(f"{CONTAINER_ROOT}/")
        path = ml / target[len(CONTAINER_ROOT) + 1 :] if inside else path.parent / target
    return None


def remove_folder(folder: Path) -> None:
    """Remove an attempt's folder with everything that its programs left in it, including unwritable files.

    The cell may be removing it at the same moment: what is already gone is no error.
    """

    def force(function: Any, path: str, problem: Any) -> None:
        if isinstance(problem[1], FileNotFoundError):
            return
        with contextlib.suppress(FileNotFoundError):
            os.chmod(os.path.dirname(path), 0o700)
            if os.path.isdir(path):
                os.chmod(path, 0o700)
                shutil.rmtree(path)
            else:
                os.unlink(path)

    shutil.rmtree(folder, onerror=force)
