"""The `yard` command, and what it does for notebooks and scripts: `from yard import train`.

Nothing is imported before it is used: the command's own start must stay quick.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yard.api import TrainingRun, find, train

__all__ = ["TrainingRun", "find", "train"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'yard' has no attribute {name!r}")
    from yard import api

    return getattr(api, name)
