"""Reading a buildspec: the phases and their commands; what is not emulated is refused by its name."""

from dataclasses import dataclass
from typing import Any

import yaml

PHASES = ("install", "pre_build", "build", "post_build")
_KNOWN = {"version", "env", "phases", "cache"}
_ENV = {"variables", "shell", "exported-variables"}
_PHASE = {"commands", "finally", "on-failure", "runtime-versions"}


class BuildspecError(Exception):
    """Why a buildspec cannot be run, as CodeBuild begins it: YAML_FILE_ERROR."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Phase:
    """One phase."""

    name: str
    commands: tuple[str, ...]
    afterwards: tuple[str, ...]
    """Commands of `finally`."""
    goes_on: bool
    """Whether the build goes on where it fails."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Buildspec:
    """What a build does."""

    variables: dict[str, str]
    phases: tuple[Phase, ...]


def read(text: str) -> Buildspec:
    """Parse a buildspec."""
    try:
        raw: Any = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BuildspecError(f"YAML_FILE_ERROR: {error}") from None
    if not isinstance(raw, dict) or str(raw.get("version")) != "0.2":
        raise BuildspecError("YAML_FILE_ERROR: the embedded cloud runs buildspecs of version 0.2")
    env, phases = raw.get("env") or {}, raw.get("phases") or {}
    if not isinstance(env, dict) or not isinstance(phases, dict):
        raise BuildspecError("YAML_FILE_ERROR: env and phases are tables")
    unknown = sorted({*(set(raw) - _KNOWN), *(set(env) - _ENV), *(set(phases) - set(PHASES))}, key=str)
    if unknown:
        raise BuildspecError(f"YAML_FILE_ERROR: not emulated here: {', '.join(map(str, unknown))}")
    found = tuple(_phase(name, phases[name]) for name in PHASES if name in phases)
    if not any(phase.commands for phase in found):
        raise BuildspecError("YAML_FILE_ERROR: phases need at least one command")
    variables = env.get("variables") or {}
    if not isinstance(variables, dict):
        raise BuildspecError("YAML_FILE_ERROR: env.variables is a table")
    return Buildspec(variables={str(name): str(value) for name, value in variables.items()}, phases=found)


def _phase(name: str, raw: Any) -> Phase:
    if not isinstance(raw, dict) or set(raw) - _PHASE:
        odd = sorted(map(str, set(raw) - _PHASE)) if isinstance(raw, dict) else ["what is no table"]
        raise BuildspecError(f"YAML_FILE_ERROR: phases.{name}: not emulated here: {', '.join(odd)}")
    lists = [raw.get(key) or [] for key in ("commands", "finally")]
    for one in lists:
        if not isinstance(one, list) or not all(isinstance(command, str) for command in one):
            raise BuildspecError(f"YAML_FILE_ERROR: phases.{name}: commands is a list of texts")
    if raw.get("on-failure", "ABORT") not in ("ABORT", "CONTINUE"):
        raise BuildspecError(f"YAML_FILE_ERROR: phases.{name}: on-failure is ABORT or CONTINUE")
    commands, afterwards = (tuple(one) for one in lists)
    goes_on = raw.get("on-failure") == "CONTINUE"
    return Phase(name=name, commands=commands, afterwards=afterwards, goes_on=goes_on)
