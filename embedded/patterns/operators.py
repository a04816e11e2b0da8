"""The operators of a pattern: each is read from its operand, refused with the service's reason, or made a test."""

import ipaddress
from collections.abc import Callable
from typing import Any

from embedded.patterns import wildcards
from embedded.patterns.reading import Node, PatternError, Source

Test = Callable[[Any], bool]
"""Whether one value of an event fits."""

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_MASK_BITS = {4: 32, 6: 128}


def is_number(value: Any) -> bool:
    """Whether a value of an event is a number: true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def exactly(wanted: Any) -> Test:
    """Equality: numbers by value, IP addresses whatever way they are written."""
    if is_number(wanted):
        return lambda value: is_number(value) and value == wanted
    address = _address(wanted) if isinstance(wanted, str) else None
    if address is not None:
        return lambda value: isinstance(value, str) and (value == wanted or _address(value) == address)
    return lambda value: type(value) is type(wanted) and value == wanted


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def operator(source: Source, node: Node) -> Test | bool:
    """The test of an object in a field's list; for `exists`, its operand."""
    if not node.value:
        raise source.error("Match expression name not found", node.end)
    (name, operand), *more = node.value
    if name == "exists":
        if not isinstance(operand.value, bool):
            raise source.error("exists match pattern must be either true or false.", operand.seen)
        found: Test | bool = operand.value
    elif name in _OPERATORS:
        found = _OPERATORS[name](source, operand)
    else:
        raise source.error(f"Unrecognized match type {name}", operand.seen)
    if more:
        raise source.error(
            "Too many elements in numeric expression"
            if name in ("numeric", "anything-but")
            else "Only one key allowed in match expression",
            more[0][1].seen,
        )
    return found


def _text(source: Source, node: Node, what: str) -> str:
    if not node.is_text:
        raise source.error(f"{what} match pattern must be a string", node.seen)
    return str(node.value)


def _exact(source: Source, node: Node) -> Test:
    if not node.is_text:
        raise source.error("exact match pattern must be a string", node.seen)
    return exactly(node.value)


def _begins(wanted: str) -> Test:
    return lambda value: isinstance(value, str) and value.startswith(wanted)


def _ends(wanted: str) -> Test:
    return lambda value: isinstance(value, str) and value.endswith(wanted)


def _same_ignoring_case(wanted: str) -> Test:
    return lambda value: isinstance(value, str) and value.lower() == wanted.lower()


def _lowered(test: Callable[[str], Test], wanted: str) -> Test:
    inner = test(wanted.lower())
    return lambda value: isinstance(value, str) and inner(value.lower())


def _affix(name: str, test: Callable[[str], Test]) -> Callable[[Source, Node], Test]:
    def read(source: Source, node: Node) -> Test:
        if not node.is_object:
            return test(_text(source, node, name))
        if not node.value:
            raise source.error(f"{name.capitalize()} expression name not found", node.end)
        (inner, operand), *more = node.value
        if inner != "equals-ignore-case":
            raise source.error(f"Unsupported {name} pattern: {inner}", operand.seen)
        wanted = _text(source, operand, "equals-ignore-case")
        if more:
            raise source.error("Only one key allowed in match expression", more[0][1].seen)
        return _lowered(test, wanted)

    return read


def _ignoring_case(source: Source, node: Node) -> Test:
    return _same_ignoring_case(_text(source, node, "equals-ignore-case"))


def _wildcard(source: Source, node: Node) -> Test:
    return _wildcard_test(source, _text(source, node, "wildcard"), node.end, times=1)


def _wildcard_test(source: Source, text: str, place: int, *, times: int) -> Test:
    try:
        pattern = wildcards.read(text)
    except wildcards.Malformed as error:
        raise source.error(str(error), place, times=times) from None
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _cidr(source: Source, node: Node) -> Test:
    # the service's words for what is no text are those of prefix
    block = _text(source, node, "prefix")
    parts = block.split("/")
    if len(parts) != 2:
        raise PatternError("Malformed CIDR, one '/' required")
    try:
        bits = int(parts[1])
    except ValueError:
        raise PatternError("Malformed CIDR, mask bits must be an integer") from None
    if bits < 0:
        raise PatternError("Malformed CIDR, mask bits must not be negative")
    address = _address(parts[0])
    if address is None:
        raise PatternError(f"Nonstandard IP address: {parts[0]}")
    if bits >= _MASK_BITS[address.version]:
        raise PatternError(f"IPv{address.version} mask bits must be < {_MASK_BITS[address.version]}")
    network = ipaddress.ip_network(block, strict=False)

    def inside(value: Any) -> bool:
        found = _address(value) if isinstance(value, str) else None
        return found is not None and found.version == network.version and found in network

    return inside


def _numeric(source: Source, node: Node) -> Test:
    if not node.is_list:
        raise source.error("Value of numeric must be an array.", node.seen)
    terms: list[Node] = node.value
    first = _term(terms, 0)
    if first is None or not first.is_text:
        raise source.error(f"Invalid member in numeric match: {_shown(first, ']')}", _place(first, node))
    comparison = str(first.value)
    if comparison not in _COMPARE:
        raise source.error(f"Unrecognized numeric range operator: {comparison}", _place(_term(terms, 1), node))
    bounds = [(comparison, _bound(source, node, 1, "equals" if comparison == "=" else comparison))]
    if len(terms) > 2:
        if comparison not in (">", ">="):
            raise source.error("Too many elements in numeric expression", terms[2].seen)
        bounds.append(_upper(source, node))
    return lambda value: is_number(value) and all(_COMPARE[sign](value, bound) for sign, bound in bounds)


def _upper(source: Source, node: Node) -> tuple[str, float]:
    terms: list[Node] = node.value
    if not terms[2].is_text:
        raise source.error(f"Bad value in numeric range: {_shown(terms[2], '')}", terms[2].end)
    comparison = str(terms[2].value)
    if comparison not in ("<", "<="):
        raise source.error(f"Bad numeric range operator: {comparison}", terms[2].end)
    bound = _bound(source, node, 3, comparison)
    if len(terms) > 4:
        raise source.error("Too many terms in numeric range expression", terms[4].seen)
    lower = terms[1].value
    if lower > bound or (lower == bound and (terms[0].value, comparison) != (">=", "<=")):
        raise source.error("Bottom must be less than top", node.end)
    return comparison, bound


def _bound(source: Source, node: Node, index: int, comparison: str) -> float:
    found = _term(node.value, index)
    if found is None or not found.is_number:
        raise source.error(f"Value of {comparison} must be numeric", _place(found, node))
    return float(found.value)


def _term(terms: list[Node], index: int) -> Node | None:
    return terms[index] if index < len(terms) else None


def _place(found: Node | None, within: Node) -> int:
    return within.end if found is None else found.end if found.is_text or found.is_number else found.seen


def _shown(found: Node | None, nothing: str) -> str:
    if found is None:
        return nothing
    return "{" if found.is_object else "[" if found.is_list else str(found.value)


_BUT_KINDS: dict[str, Callable[[str], Test]] = {
    "equals-ignore-case": _same_ignoring_case,
    "prefix": _begins,
    "suffix": _ends,
}


def _anything_but(source: Source, node: Node) -> Test:
    kind, operand = None, node
    if node.is_object:
        if not node.value:
            raise source.error("Anything-But expression name not found", node.end)
        (kind, operand), *more = node.value
        if kind != "wildcard" and kind not in _BUT_KINDS:
            raise source.error(f"Unsupported anything-but pattern: {kind}", operand.seen)
        if more:
            raise source.error("Too many elements in numeric expression", more[0][1].seen)
    if not (operand.is_list or operand.is_text or operand.is_number):
        message = "Value of anything-but must be an array or single string/number value."
        raise source.error(message, operand.seen)
    items, times = (operand.value, 2) if operand.is_list else ([operand], 1)
    if kind is None:
        tests = _but_values(source, operand, items, times)
    else:
        tests = [_but_test(source, kind, item, times) for item in items]
    return lambda value: not any(test(value) for test in tests)


def _but_values(source: Source, operand: Node, items: list[Node], times: int) -> list[Test]:
    for item in items:
        if not (item.is_text or item.is_number):
            raise source.error("Inside anything but list, start|null|boolean is not supported.", item.seen, times=times)
    if len({item.is_text for item in items}) != 1:
        message = "Inside anything but list, either all values are number or string, mixed type is not supported"
        raise source.error(message, operand.end)
    return [exactly(item.value) for item in items]


def _but_test(source: Source, kind: str, item: Node, times: int) -> Test:
    if not item.is_text:
        reasons = {
            "equals-ignore-case": "Inside anything-but/equals-ignore-case list, "
            "number|start|null|boolean is not supported.",
            "wildcard": "wildcard match pattern must be a string",
        }
        raise source.error(reasons.get(kind, "prefix/suffix match pattern must be a string"), item.seen, times=times)
    text = str(item.value)
    if kind == "wildcard":
        return _wildcard_test(source, text, item.end, times=1)
    if kind != "equals-ignore-case" and not text:
        raise source.error("Null prefix/suffix not allowed", item.end, times=times)
    return _BUT_KINDS[kind](text)


_OPERATORS: dict[str, Callable[[Source, Node], Test]] = {
    "anything-but": _anything_but,
    "cidr": _cidr,
    "equals-ignore-case": _ignoring_case,
    "exactly": _exact,
    "numeric": _numeric,
    "prefix": _affix("prefix", _begins),
    "suffix": _affix("suffix", _ends),
    "wildcard": _wildcard,
}
RESERVED = frozenset({*_OPERATORS, "exists", *_COMPARE, "regex", "not-wildcard", "not-equals-ignore-case"})
"""Names that no field inside `$or` may have."""
