"""The user's program: a module, a script or an executable, and its arguments. There is no shell."""

import contextlib
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from contract.arguments import decode, joined
from contract.variables import ARGUMENTS, ENTRY
from training.launcher.endings.failure import LaunchError
from training.launcher.inputs import Contract

_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_NUMBER = re.compile(r"-[0-9]+|-[0-9]*\.[0-9]+")
"""What argparse takes for a negative number: it takes -1e-05 for an option."""


class Program(NamedTuple):
    """What each rank runs."""

    kind: Literal["module", "script", "executable"]
    """A Python module, a Python file, or something that the kernel can execute."""

    target: str
    """The module's name, or the file's path."""

    arguments: tuple[str, ...]
    """Its arguments, hyperparameters included."""

    def command(self) -> list[str]:
        """The argument vector that runs it in a new process."""
        python = [sys.executable, "-u"]
        if self.kind == "module":
            return [*python, "-m", self.target, *self.arguments]
        if self.kind == "script":
            return [*python, self.target, *self.arguments]
        return [self.target, *self.arguments]


def read_program(contract: Contract, environ: Mapping[str, str] = os.environ) -> Program:
    """Find the entry and put its arguments together."""
    given = environ.get(ENTRY, environ.get("SAGEMAKER_PROGRAM"))
    entry = given if given is not None else contract.framework_parameters.get("sagemaker_program")
    if entry is None:
        raise LaunchError(
            f"the job names no program: set `entry` in the job's [program] table ({ENTRY} in the environment)"
        )
    arguments = (*_fixed_arguments(environ), *to_arguments(contract.hyperparameters))
    kind, target = resolve(str(entry), contract.code_dir)
    return Program(kind=kind, target=target, arguments=arguments)


def to_arguments(hyperparameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Hyperparameters as `--key value`, sorted, as the public toolkit writes them.

    A value that looks like an option is joined with `=`: a hyperparameter must not become another argument.
    """
    arguments: list[str] = []
    for key in sorted(hyperparameters):
        option = f"--{key}" if len(key) > 1 else f"-{key}"
        value = _as_text(hyperparameters[key])
        _refuse_unspeakable(key, value)
        if value.startswith("-") and not _NUMBER.fullmatch(value):
            arguments.append(f"{option}={value}")
        else:
            arguments += [option, value]
    return tuple(arguments)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ",".join(f"{key}={item}" for key, item in sorted(value.items()))
    return str(value)


def _refuse_unspeakable(key: str, value: str) -> None:
    sentence = f"the hyperparameter {key!a} cannot be handed to a program"
    # An equals sign would end a variable's name
    if not key or "=" in key or not _is_speakable(key):
        raise LaunchError(f"{sentence}: give it a name of letters, digits, hyphens and underscores")
    if not _is_speakable(value):
        raise LaunchError(f"{sentence}: leave NUL letters and lone surrogates out of its value {value[:100]!a}")


def _is_speakable(text: str) -> bool:
    """Whether Linux can hand a text to a program."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def _fixed_arguments(environ: Mapping[str, str]) -> list[str]:
    with contextlib.suppress(ValueError):
        arguments = decode(environ)
        if all(map(_is_speakable, arguments)):
            return arguments
    raise LaunchError(f"{ARGUMENTS} must be a JSON list of strings without NUL letters, not {joined(environ)!r}")


def resolve(entry: str, code_dir: Path) -> tuple[Literal["module", "script", "executable"], str]:
    """A path if it looks like one or names a file, a module otherwise."""
    path = Path(entry) if Path(entry).is_absolute() else code_dir / entry
    if path.is_file() and path.suffix == ".py":
        return "script", str(path)
    if path.is_file():
        if not os.access(path, os.X_OK):
            raise LaunchError(f"the program {entry!r} is neither a .py file nor executable: chmod +x it")
        return "executable", str(path)
    if _MODULE.fullmatch(entry) and not entry.endswith(".py"):
        return "module", entry
    present = ", ".join(sorted(item.name for item in code_dir.iterdir())) if code_dir.is_dir() else "no code came"
    raise LaunchError(f"the program {entry!r} is not in {code_dir} ({present})")
