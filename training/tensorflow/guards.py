"""What TensorFlow refuses in words of its own, said in one sentence. Imports neither TensorFlow nor Keras.

    from training.tensorflow import guards
    guards.install()        # before the program imports Keras

Keras 3's `fit` cannot train on several workers (keras-team/keras#20585) and ends in an error about PerReplica values.
"""

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from functools import wraps
from types import ModuleType
from typing import Any

from contract.exit_codes import REFUSED

_TRAINER = "keras.src.backend.tensorflow.trainer"
SENTENCE = (
    "Keras 3's fit cannot train on more than one worker, nor with parameter servers (keras-team/keras#20585): use "
    "`import tf_keras as keras`, whose fit can, or a loop of your own with strategy.run, as in docs/do/tensorflow.md"
)


def install() -> None:
    """Guard `fit` of Keras 3, whether it is imported already or will be."""
    if _TRAINER in sys.modules:
        _guard(sys.modules[_TRAINER])
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder):
    """Finds one module, by asking the others, and guards it once it is loaded."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec that the other finders give, with a loader around theirs."""
        if fullname != _TRAINER:
            return None
        found = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if found is not None and found.loader is not None:
            found.loader = _Loader(found.loader)
        return found


class _Loader(importlib.abc.Loader):
    """Loads as the other does."""

    def __init__(self, other: Any) -> None:
        self._other = other

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """As the other does."""
        module: ModuleType | None = self._other.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """As the other does, and then guard."""
        self._other.exec_module(module)
        _guard(module)


def _guard(module: ModuleType) -> None:
    trainer: Any = module.TensorFlowTrainer
    fit = trainer.fit
    if hasattr(fit, "guards"):
        return

    @wraps(fit)
    def guarded(model: Any, *given: Any, **named: Any) -> Any:
        if _has_several_workers(getattr(model, "distribute_strategy", None)):
            # No exception: a restart by the launcher would only come here again
            print(f"error: {SENTENCE}", file=sys.stderr, flush=True)
            raise SystemExit(REFUSED)
        return fit(model, *given, **named)

    guarded.guards = True  # type: ignore[attr-defined]
    trainer.fit = guarded


def _has_several_workers(strategy: Any) -> bool:
    extended = getattr(strategy, "extended", None)
    if extended is None:
        return False
    return "ParameterServer" in type(strategy).__name__ or getattr(extended, "_num_workers", 1) > 1
