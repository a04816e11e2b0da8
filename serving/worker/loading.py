"""From a model's folder to what answers with it."""

import traceback
from pathlib import Path

from contract.refusal import Refused
from contract.variables import SERVING_RANKS
from serving import log
from serving.engines import choose
from serving.engines.choose import Served
from serving.engines.errors import Unservable
from serving.engines.ranks import Place
from serving.settings import Settings
from serving.worker import code
from serving.worker.program import CodeError


class LoadError(Exception):
    """The model cannot be loaded; the message is one line, and the log has the rest."""


def load_handler(settings: Settings, folder: Path, place: Place | None = None) -> Served:
    """The user's program where there is one, else the engine that knows the model's files."""
    try:
        if settings.module or code.has_program(folder, settings.program):
            if place is not None:
                raise CodeError(f"a program has its model whole: {SERVING_RANKS} is for models without one")
            load = code.load_module if settings.module else code.load_program
            return load(folder, settings)
        return choose.load(folder, accept=settings.accept, slots=settings.slots, place=place)
    except (Unservable, CodeError, Refused) as error:
        raise LoadError(str(error)) from error
    except MemoryError as error:
        raise LoadError("MemoryError: the container's memory does not hold it") from error
    except Exception as error:
        log.say(f"loading {folder} failed:\n{traceback.format_exc()}")
        raise LoadError(f"{type(error).__name__}: {error}") from error
