"""What this cloud puts in the place of moto's own parts: each with its reason, for one version of moto."""

import sys
from dataclasses import dataclass
from typing import Any

MOTO_VERSION = "5.2.5"
"""A test fails when another moto is installed: look at every patch before it is pinned."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Patch:
    """One replaced attribute of a module or a class of moto."""

    owner: Any
    name: str
    replacement: Any
    reason: str


PATCHES: list[Patch] = []


def replace(owner: Any, name: str, replacement: Any, *, reason: str) -> None:
    """Replace an attribute that moto has, and that nobody else has replaced."""
    if not hasattr(owner, name):
        raise AttributeError(f"moto's {owner.__name__} has no {name} to replace: was another moto installed?")
    earlier = next((patch for patch in PATCHES if patch.owner is owner and patch.name == name), None)
    if earlier is not None:
        raise ValueError(f"{owner.__name__}.{name} is replaced already, because {earlier.reason}")
    setattr(owner, name, replacement)
    PATCHES.append(Patch(owner=owner, name=name, replacement=replacement, reason=reason))


def replace_imported(package: str, name: str, replacement: Any, *, of: Any, reason: str) -> None:
    """Replace a function in every loaded module of a package that has imported it `from` the module `of`."""
    original = getattr(of, name)
    for path, module in sorted(sys.modules.items()):
        if path.startswith(package) and vars(module).get(name) is original:
            replace(module, name, replacement, reason=reason)
