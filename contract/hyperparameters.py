"""How a hyperparameter is written into a request and read in the container: SageMaker carries text alone.

The writer puts JSON where a value is no text, and quotes a text that JSON would read as something else. The reader
tries JSON first and takes the text itself otherwise, so that it gets exactly what was written. The SageMaker SDK writes
every value as JSON, which the same reader understands.
"""

import json
from collections.abc import Mapping
from typing import Any

Scalar = str | int | float | bool
"""What a job file may give a hyperparameter."""


class Written(float):
    """A number that knows how it was written: 1.10 stays 1.10 as an argument, and is a number where it becomes JSON."""

    text: str

    def __new__(cls, text: str) -> "Written":
        """Refuse what only infinity could stand for: a git hash such as 12e4567 is no number."""
        number = super().__new__(cls, text)
        if number in (float("inf"), float("-inf")):
            raise ValueError(f"{text} is no finite number")
        number.text = text
        return number

    def __repr__(self) -> str:
        return self.text

    __str__ = __repr__


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no finite number")


STRICT_JSON = json.JSONDecoder(parse_float=Written, parse_constant=_refuse)
"""JSON as the standard has it, which knows neither NaN nor Infinity."""


def encode(value: Scalar) -> str:
    """The text that SageMaker carries for a value."""
    if not isinstance(value, str):
        return json.dumps(value)
    try:
        json.loads(value)
    except ValueError:
        return value
    except RecursionError:  # thousands of brackets: quoted, it is a text for every reader
        pass
    return json.dumps(value)


def bare(value: Scalar) -> str:
    """The text of a value for a reader that is not ours and takes texts as they are."""
    return value if isinstance(value, str) else json.dumps(value)


def encode_all(values: Mapping[str, Scalar]) -> dict[str, str]:
    """Encode a whole table."""
    return {name: encode(value) for name, value in values.items()}


def decode(value: Any) -> Any:
    """The value that a text stands for; what is no text, in a file written by hand, is taken as it is."""
    if not isinstance(value, str):
        return value
    try:
        return STRICT_JSON.decode(value)
    except (ValueError, RecursionError):
        return value


def decode_all(values: Mapping[str, Any]) -> dict[str, Any]:
    """Decode a whole table."""
    return {name: decode(value) for name, value in values.items()}


def as_switch(value: object) -> bool | None:
    """Whether a switch is on, written as a boolean or as text in any case; None for what is neither true nor false."""
    return {"true": True, "false": False}.get(str(value).lower())
