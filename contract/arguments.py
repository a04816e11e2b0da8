"""A program's arguments as variables: SageMaker gives a variable 512 letters, and takes a hundred."""

import json
from collections.abc import Mapping, Sequence

from contract.variables import ARGUMENTS

MOST_LETTERS = 512
"""What one variable's value may have."""


def encode(arguments: Sequence[str]) -> dict[str, str]:
    """The variables that carry them: one JSON list, cut where a variable is full."""
    text = json.dumps(list(arguments))
    parts = [text[start : start + MOST_LETTERS] for start in range(0, len(text), MOST_LETTERS)]
    return {_name(number): part for number, part in enumerate(parts, 1)} if arguments else {}


def decode(environ: Mapping[str, str]) -> list[str]:
    """The arguments that variables carry; raises ValueError where they are no JSON list of texts."""
    text = joined(environ)
    if text is None:
        return []
    found = json.loads(text)
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        raise ValueError("they are no list of texts")
    return found


def joined(environ: Mapping[str, str]) -> str | None:
    """The JSON that the variables carry together; None if there is none."""
    if ARGUMENTS not in environ:
        return None
    parts: list[str] = []
    while (name := _name(len(parts) + 1)) in environ:
        parts.append(environ[name])
    return "".join(parts)


def is_part(name: str) -> bool:
    """Whether a variable carries arguments."""
    return name == ARGUMENTS or name.startswith(f"{ARGUMENTS}_")


def _name(number: int) -> str:
    return ARGUMENTS if number == 1 else f"{ARGUMENTS}_{number}"
