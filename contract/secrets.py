"""Secrets as variables: a request carries where a value lies, and the launcher reads the value on the node."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from contract.variables import SECRET

PREFIX = f"{SECRET}_"
"""What the names of variables begin with that carry references."""

_SCHEME = "secret:"
_NAME = r"[A-Za-z0-9/_+=.@-]{1,400}"
_ARN = r"arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}"
_REFERENCE = re.compile(rf"(?P<secret>{_ARN}|{_NAME})(?:#(?P<key>[^#\s]{{1,100}}))?")

MOST_LETTERS = 512
"""What one variable's value may have."""

SAYS = 'such as "secret:team/wandb", or "secret:team/wandb#api_key" for a key of a JSON secret'


class Reference(NamedTuple):
    """Where a value lies."""

    secret: str
    """The secret's name in this account and region, or its whole ARN."""

    key: str | None
    """The key of a secret that is a JSON object; None for the whole text."""

    def __str__(self) -> str:
        return self.secret if self.key is None else f"{self.secret}#{self.key}"


def parse(text: str) -> Reference:
    """Read `secret:NAME#KEY`. The error does not repeat the text, which may be a value by mistake."""
    found = _REFERENCE.fullmatch(text.removeprefix(_SCHEME)) if text.startswith(_SCHEME) else None
    if found is None or len(text) > MOST_LETTERS:
        raise ValueError(f"it is no reference to a secret ({SAYS})")
    return Reference(secret=found["secret"], key=found["key"])


def encode(references: Mapping[str, str]) -> dict[str, str]:
    """The variables that carry references, by the name of the variable that gets the value."""
    return {f"{PREFIX}{name}": text for name, text in references.items()}


def carried_by(environ: Mapping[str, str]) -> list[str]:
    """The names of the variables that carry references, sorted."""
    return sorted(name for name in environ if name.startswith(PREFIX))


def decode(environ: Mapping[str, str]) -> dict[str, Reference]:
    """The references that variables carry; raises ValueError, with the name, where one is none."""
    found = {}
    for variable in carried_by(environ):
        try:
            found[variable.removeprefix(PREFIX)] = parse(environ[variable])
        except ValueError as error:
            raise ValueError(f"{variable}: {error}") from error
    return found


def values(environ: Mapping[str, str]) -> dict[str, str]:
    """The values that an environment holds already, once the launcher has read them."""
    names = (variable.removeprefix(PREFIX) for variable in carried_by(environ))
    return {name: environ[name] for name in names if name in environ}
