"""Wildcards and variables: `*` is any text, `?` any one character, `${aws:username}` what the request tells."""

import fnmatch
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

Context = Mapping[str, Any]
"""What the request tells: condition keys with their values, a string or a list of strings."""

_VARIABLE = re.compile(r"\$\{([^},]+)(?:,\s*'((?:[^']|'')*)')?\s*\}")
_SIGNS = ("*", "?", "$")
"""Written `${*}`, each of them is only itself."""


@lru_cache(maxsize=8192)
def _pattern(text: str, ignore_case: bool) -> re.Pattern[str]:
    # fnmatch would read [..] as a set; policies know only * and ?
    escaped = fnmatch.translate(text.replace("[", "[[]"))
    return re.compile(escaped, re.IGNORECASE if ignore_case else 0)


def matches(pattern: str, value: str, *, ignore_case: bool = False) -> bool:
    """A policy's wildcard match, without variables."""
    return _pattern(pattern, ignore_case).match(value) is not None


def like(pattern: str, value: str, context: Context, *, variables: bool = True) -> bool:
    """A policy's wildcard match: what a variable brings is text, whatever signs it holds."""
    if not variables or "${" not in pattern:
        return matches(pattern, value)
    parts, end = [], 0
    for variable in _VARIABLE.finditer(pattern):
        known = _value_of(variable, context)
        if known is None:
            return False
        parts += [_inside(pattern[end : variable.start()]), re.escape(known)]
        end = variable.end()
    return re.fullmatch("".join([*parts, _inside(pattern[end:])]), value, re.DOTALL) is not None


def filled(text: str, context: Context) -> str | None:
    """A text with the request's values in place of variables; None where the request does not tell one."""
    if "${" not in text:
        return text
    values = [(variable, _value_of(variable, context)) for variable in _VARIABLE.finditer(text)]
    if any(known is None for _, known in values):
        return None
    return _VARIABLE.sub(lambda variable: str(_value_of(variable, context)), text)


def _value_of(variable: re.Match[str], context: Context) -> str | None:
    """What stands for a variable: the request's one value, or the default that the policy gives."""
    name, default = variable[1].strip(), variable[2]
    if name in _SIGNS:
        return name
    found = context.get(name)
    if found is None:
        wanted = name.lower()
        found = next((value for key, value in context.items() if key.lower() == wanted), None)
    # a key of many values has none that could stand here
    if found is None or isinstance(found, list | tuple):
        return None if default is None else default.replace("''", "'")
    return text_of(found)


def text_of(value: Any) -> str:
    """A value of the request as policies write it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _inside(text: str) -> str:
    """A pattern as part of a regular expression."""
    return "".join(".*" if letter == "*" else "." if letter == "?" else re.escape(letter) for letter in text)
