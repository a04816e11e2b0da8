"""The programs of a lab as modules: their folders have names that no import can say."""

import importlib.util
import sys
from types import ModuleType

from labs.frame.places import LABS


def load(lab: str, name: str) -> ModuleType:
    """The module `name` of a lab's folder `code`."""
    spec = importlib.util.spec_from_file_location(f"lab_{lab[:2]}_{name}", LABS / lab / "code" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
