"""The options of a command that launches: one per override that has an option."""

import functools
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from shardyard.spec.errors import SpecError
from shardyard.spec.jobs.overridable import OVERRIDES, Override
from shardyard.spec.jobs.overrides import LaunchInput
from yard.errors import Exit, UserError

if TYPE_CHECKING:  # a help text should not load the job definition
    from shardyard.spec.jobs.launched import LaunchedSpec

_OPTIONS = {one.name: one.option for one in OVERRIDES if one.option is not None}


def with_override_options(command: Callable[..., None]) -> Callable[..., None]:
    """Insert the options after the command's first argument; it receives the given ones as `overrides`."""
    first, *others = (one for one in inspect.signature(command).parameters.values() if one.name != "overrides")
    options = [_parameter(one) for one in OVERRIDES if one.option is not None]

    @functools.wraps(command)
    def launching(**values: Any) -> None:
        given = {one.name: values.pop(one.name) for one in options}
        command(**values, overrides=read_overrides(given))

    signature = inspect.Signature([first, *options, *others])
    launching.__signature__ = signature  # type: ignore[attr-defined]
    launching.__annotations__ = {one.name: one.annotation for one in signature.parameters.values()}
    return launching


def _parameter(override: Override) -> inspect.Parameter:
    """The option as typer declares it: a switch if it takes no value, otherwise a text that spec reads."""
    names = [name for name in (override.option, override.alias) if name is not None]
    option = typer.Option(None, *names, help=override.doc, metavar=override.metavar)
    kind = bool if override.metavar is None else str
    return inspect.Parameter(
        override.name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=option, annotation=kind | None
    )


def read_overrides(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that were given, by name, parsed and checked like the job's own fields."""
    given = {name: values[name] for name in _OPTIONS if values.get(name) is not None}
    try:
        return LaunchInput.from_texts(given).to_dict()
    except SpecError as error:
        said = [f"{_OPTIONS[problem.where]}: {problem.message}" for problem in error.problems]
        raise UserError("\n".join(said), code=Exit.USAGE) from None


def with_words(job: "LaunchedSpec", given: Sequence[str] | None, words: Sequence[str]) -> list[str]:
    """The program's arguments with some of them set: `--lr=0.1` replaces `--lr=...` or `--lr ...`, or is added."""
    program = getattr(job, "program", None)
    arguments = list(given if given is not None else () if program is None else program.arguments)
    for word in words:
        key, equals, _ = word.partition("=")
        if key.lstrip("-") in getattr(job, "hyperparameters", {}):
            name = key.lstrip("-")
            raise UserError(
                f"--set {word}: {name} is a hyperparameter of {job.name}, and these follow the arguments.",
                f"Set it: --set {name}=...",
                code=Exit.USAGE,
            )
        place = next((n for n, one in enumerate(arguments) if one.partition("=")[0] == key), None)
        if place is None:
            arguments.append(word)
        elif arguments[place] != key or not equals:
            arguments[place] = word
        else:
            has_value = place + 1 < len(arguments) and not re.match(r"-\D", arguments[place + 1])
            arguments[place : place + 1 + has_value] = [word]
    return arguments
