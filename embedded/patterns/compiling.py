"""From a pattern's document to alternatives of fields and tests, checked on the way."""

from collections.abc import Mapping
from dataclasses import dataclass

from embedded.patterns.operators import RESERVED, Test, exactly, operator
from embedded.patterns.reading import Node, Source


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What one field must be: any of these."""

    tests: tuple[Test, ...]
    exists: bool
    """Whether any value will do."""

    absent: bool
    """Whether the field may be missing."""


Alternative = Mapping[str, Wanted]
"""Fields by their dotted paths: all must hold."""

Pattern = tuple[Alternative, ...]
"""The alternatives that `$or` makes of a pattern: one must hold."""


def compiled(text: str) -> Pattern:
    """Compile a pattern's text; raises `PatternError`."""
    source = Source(text)
    document = source.read()
    if not document.is_object:
        raise source.error("Filter is not an object", document.seen)
    return tuple(_fields(source, document, (), [{}], inside_or=False))


_Alternatives = list[dict[str, Wanted]]


def _fields(
    source: Source, node: Node, path: tuple[str, ...], alternatives: _Alternatives, *, inside_or: bool
) -> _Alternatives:
    """The alternatives with the fields of an object added to each."""
    if not node.value:
        raise source.error("Empty objects are not allowed", node.end)
    for name, value in node.value:
        if name == "$or":
            alternatives = _either(source, value, path, alternatives)
            continue
        if inside_or and name in RESERVED:
            raise source.error(f"{name} is Ruler reserved fieldName which cannot be used inside $or.", value.seen)
        if value.is_object:
            alternatives = _fields(source, value, (*path, name), alternatives, inside_or=inside_or)
        elif value.is_list:
            wanted = _wanted(source, value)
            alternatives = [{**one, ".".join((*path, name)): wanted} for one in alternatives]
        else:
            raise source.error(f'"{name}" must be an object or an array', value.seen)
    return alternatives


def _either(source: Source, node: Node, path: tuple[str, ...], alternatives: _Alternatives) -> _Alternatives:
    if not node.is_list:
        raise source.error("It must be an Array followed with $or.", node.seen)
    found: _Alternatives = []
    for item in node.value:
        if not item.is_object:
            raise source.error("Only JSON object is allowed in array of $or relationship.", item.seen)
        found += _fields(source, item, path, alternatives, inside_or=True)
    if len(node.value) < 2:
        raise source.error("There must have at least 2 Objects in $or relationship.", node.end)
    return found


def _wanted(source: Source, node: Node) -> Wanted:
    tests: list[Test] = []
    known: set[bool] = set()
    for item in node.value:
        if item.is_list:
            raise source.error("Match value must be String, number, true, false, or null", item.seen)
        test = operator(source, item) if item.is_object else exactly(item.value)
        if isinstance(test, bool):
            known.add(test)
        else:
            tests.append(test)
    if not node.value:
        raise source.error("Empty arrays are not allowed", node.end)
    return Wanted(tests=tuple(tests), exists=True in known, absent=False in known)
