"""Figures that are saved as texts."""

import os
from pathlib import Path
from typing import Any


class Figure:
    def savefig(self, path: str) -> None:
        Path(path).write_text(f"a figure by {os.environ['MPLBACKEND']}")


_open: dict[int, Figure] = {}


def plot(*given: Any, **options: Any) -> list[str]:
    _open.setdefault(1, Figure())
    return ["<matplotlib.lines.Line2D>"]


def figure(number: int | None = None, **options: Any) -> Figure:
    if number is None:
        number = max(_open, default=0) + 1
    return _open.setdefault(number, Figure())


def get_fignums() -> list[int]:
    return sorted(_open)


def close(which: str) -> None:
    _open.clear()


def show() -> None:
    raise RuntimeError("nobody looks at a job")


def savefig(path: str) -> None:
    figure(1).savefig(path)
