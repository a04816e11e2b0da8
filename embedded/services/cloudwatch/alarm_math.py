"""Metric math, the simple part: arithmetic, comparisons and a few functions over one period's values."""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

Value = float | None
"""A metric's value in one period; None where it has no data."""

_BINARY: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_COMPARE: dict[type, Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


class MathError(ValueError):
    """An expression that cannot be evaluated here."""


def evaluate(expression: str, values: Mapping[str, Value]) -> Value:
    """The value of an expression in one period; None where a metric that it needs has no data."""
    try:
        tree = ast.parse(expression.replace("&&", " and ").replace("||", " or "), mode="eval")
    except SyntaxError as error:
        raise MathError(f"cannot read the expression {expression!r}") from error
    result: Value = _value(tree.body, values)
    return result


def _value(node: ast.expr, values: Mapping[str, Value]) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.Name):
        if node.id not in values:
            raise MathError(f"{node.id} is not the id of a metric (known: {', '.join(sorted(values))})")
        return values[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _value(node.operand, values)
        return None if inner is None else -inner
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        return _arithmetic(node, values)
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        left, right = _value(node.left, values), _value(node.comparators[0], values)
        return None if None in (left, right) else float(_COMPARE[type(node.ops[0])](left, right))
    if isinstance(node, ast.BoolOp):
        parts = [bool(_value(part, values)) for part in node.values]
        return float(all(parts) if isinstance(node.op, ast.And) else any(parts))
    if isinstance(node, ast.List):
        return [_value(item, values) for item in node.elts]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _call(node.func.id.upper(), node.args, values)
    raise MathError(f"the embedded cloud's metric math does not know {ast.unparse(node)!r}")


def _arithmetic(node: ast.BinOp, values: Mapping[str, Value]) -> Value:
    left, right = _value(node.left, values), _value(node.right, values)
    if left is None or right is None or (isinstance(node.op, ast.Div) and right == 0):
        return None
    return _BINARY[type(node.op)](left, right)


def _call(name: str, arguments: list[ast.expr], values: Mapping[str, Value]) -> Any:
    if name == "IF":
        condition = _value(arguments[0], values)
        chosen = arguments[1] if condition else arguments[2] if len(arguments) > 2 else None
        return None if chosen is None else _value(chosen, values)
    if name == "METRICS":
        return list(values.values())
    if name == "FILL":
        found = _value(arguments[0], values)
        return _value(arguments[1], values) if found is None else found
    if name in ("SUM", "AVG", "MIN", "MAX", "ABS"):
        inner = _value(arguments[0], values)
        present = [one for one in (inner if isinstance(inner, list) else [inner]) if one is not None]
        if not present:
            return None
        return _REDUCE[name](present)
    raise MathError(f"the embedded cloud's metric math does not know the function {name}")


_REDUCE: dict[str, Callable[[list[float]], float]] = {
    "SUM": sum,
    "AVG": lambda found: sum(found) / len(found),
    "MIN": min,
    "MAX": max,
    "ABS": lambda found: abs(found[0]),
}
