"""What this cloud puts in the place of moto's own parts: each with its reason, for one version of moto."""

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
    """Replace an attribute that moto has."""
    if not hasattr(owner, name):
        raise AttributeError(f"moto's {owner.__name__} has no {name} to replace: was another moto installed?")
    setattr(owner, name, replacement)
    PATCHES.append(Patch(owner=owner, name=name, replacement=replacement, reason=reason))
