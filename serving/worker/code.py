"""The user's program: `code/inference.py` with model_fn, input_fn, predict_fn and output_fn, or transform_fn."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from contract.requirements import FILE, digest, names_packages, pip_command, pip_errors
from contract.serving import CODE_FOLDER
from contract.variables import REQUIREMENTS_SHA256, SERVING_MODULE
from serving import log
from serving.settings import Settings
from serving.worker.program import CodeError, ProgramHandler

_FUNCTIONS = ("model_fn", "input_fn", "predict_fn", "output_fn", "transform_fn")


def has_program(folder: Path, name: str = "inference.py") -> bool:
    """Whether a model brings a program."""
    return (folder / CODE_FOLDER / name).is_file()


def install_requirements(folder: Path) -> None:
    """Install what code/requirements.txt asks for, unless it is there already."""
    path = folder / CODE_FOLDER / FILE
    content = path.read_bytes() if path.is_file() else b""
    if not names_packages(content) or os.environ.get(REQUIREMENTS_SHA256) == digest(content):
        return
    log.say(f"installing {CODE_FOLDER}/{FILE}")
    command = pip_command(sys.executable, FILE)
    done = subprocess.run(command, cwd=path.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        said = pip_errors(done.stdout.decode(errors="replace"))
        raise CodeError(
            f"{CODE_FOLDER}/{FILE} cannot be installed: {said}; correct it, or put its packages into the image"
        )
    importlib.invalidate_caches()


def load_program(folder: Path, settings: Settings) -> ProgramHandler:
    """Import the model's program and load the model with it."""
    code = folder / CODE_FOLDER
    path = code / settings.program
    sys.path.insert(0, str(code))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return _handler(module, f"{CODE_FOLDER}/{path.name}", folder, settings)


def load_module(folder: Path, settings: Settings) -> ProgramHandler:
    """The same with a module that the image brings."""
    try:
        module = importlib.import_module(settings.module)
    except ImportError as error:
        raise CodeError(f"{SERVING_MODULE} is {settings.module}, which cannot be imported: {error}") from error
    return _handler(module, settings.module, folder, settings)


def _handler(module: ModuleType, name: str, folder: Path, settings: Settings) -> ProgramHandler:
    functions = {one: getattr(module, one) for one in _FUNCTIONS if callable(getattr(module, one, None))}
    if not functions:
        raise CodeError(f"{name} has none of the functions {', '.join(_FUNCTIONS)}")
    mixed = [one for one in ("input_fn", "predict_fn", "output_fn") if one in functions]
    if "transform_fn" in functions and mixed:
        raise CodeError(f"{name} has transform_fn, which does the work of {', '.join(mixed)}: keep one")
    batch = getattr(module, "BATCH", 1)
    if not isinstance(batch, int) or batch < 1:
        raise CodeError(f"{name}: BATCH is {batch!r} and must be a whole number of requests")
    if batch > 1 and "transform_fn" in functions:
        raise CodeError(f"{name}: BATCH needs predict_fn, and transform_fn takes one request")
    return ProgramHandler(functions, folder, settings, name=name, batch=batch)
