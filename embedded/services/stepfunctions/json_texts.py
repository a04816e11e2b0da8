"""Texts that must be JSON, with the words of the service's own parser for those that are not."""

import json
import re
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(r"[\w$.-]+")
_VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"


@dataclass(frozen=True, kw_only=True, slots=True)
class NotJson(Exception):
    """A text that is no JSON."""

    problem: str
    """What is wrong."""
    location: str
    """Where."""


def read(text: str) -> Any:
    """The value of a text."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        problem, end = _problem(text, error)
        line = text.count("\n", 0, end) + 1
        column = end - (text.rfind("\n", 0, end) + 1) + 1
        where = f'[Source: (String)"{text[:500]}"; line: {line}, column: {column}]'
        raise NotJson(problem=problem, location=where) from error


def _problem(text: str, error: json.JSONDecodeError) -> tuple[str, int]:
    if error.pos >= len(text):
        return "Unexpected end-of-input", len(text)
    token, character = _TOKEN.match(text, error.pos), text[error.pos]
    if error.msg == "Expecting value" and token is not None:
        return f"Unrecognized token '{token[0]}': was expecting {_VALUES}", token.end()
    wanted = {
        "Expecting value": "a valid value",
        "Expecting ':' delimiter": "a colon to separate field name and value",
        "Expecting ',' delimiter": "comma to separate entries",
    }.get(error.msg, "double-quote to start field name")
    return f"Unexpected character ('{character}' (code {ord(character)})): was expecting {wanted}", error.pos + 1
