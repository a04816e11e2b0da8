"""One folder per AWS service; each registers its operations, resource types and the rest when it is imported."""

import importlib
import pkgutil


def modules() -> list[str]:
    """Every module of every service. A module that cannot be imported stops the start: half a cloud would lie."""
    return [found.name for found in pkgutil.walk_packages(__path__, f"{__name__}.")]


def load(order: list[str] | None = None) -> None:
    """Import every service. They may come in any order: none relies on another having registered before it."""
    for name in modules() if order is None else order:
        importlib.import_module(name)
