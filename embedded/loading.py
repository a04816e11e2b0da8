"""Import everything that registers itself: the cloud's own parts, then each service's folder."""

import importlib

from embedded import services

PARTS = (
    "embedded.process.service_models",
    "embedded.cloudformation.access",
    "embedded.cloudformation.api",
    "embedded.cloudformation.custom_resources",
    "embedded.front",
    "embedded.inventory",
    "embedded.status",
    "embedded.verify",
    "embedded.weather.verb",
)
"""What belongs to no one service."""


def load() -> None:
    """A part that cannot be imported stops the start: a cloud without one of its parts would lie."""
    for name in PARTS:
        importlib.import_module(name)
    services.load()
