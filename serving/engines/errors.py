"""Models that cannot be served as they are."""

import importlib
from types import ModuleType


class Unservable(Exception):
    """No engine can serve what lies in the model's folder; the message says what to do."""


def need(module: str, package: str, what: str) -> ModuleType:
    """Import what a kind of model needs."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Unservable(
            f"{what} needs the package {package}, which this image lacks ({error}): add it to the image's "
            "requirements.txt, or take the image of that framework"
        ) from error
