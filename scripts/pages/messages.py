"""The messages that the code can give, read from its syntax trees: what a reader sees, with `...` for each value."""

import ast
import itertools
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from contract import variables

ROOT = Path(__file__).parents[2]
_VALUE = "..."
_MOST_TEMPLATES = 4
"""A sentence of many optional clauses would have more spellings than anybody reads."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """One sentence of the code."""

    text: str
    """Its words, with `...` for what is only known when it is said."""
    place: str
    """`file: function` that says it."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where sentences stand in a part of the code."""

    paths: tuple[str, ...]
    """Files and folders, relative to the project."""
    calls: tuple[tuple[str, int | str], ...] = ()
    """Calls that take a sentence, each with the position or the keyword of it."""
    functions: tuple[str, ...] = ()
    """Functions whose answer is a sentence."""
    constants: tuple[str, ...] = ()
    """Constants of modules that are sentences."""


@cache
def messages(source: Source) -> list[Message]:
    """Every sentence of a part of the code, each once for each place."""
    found = [message for path in _files(source.paths) for message in _of_file(path, source)]
    return list(dict.fromkeys(found))


def _files(paths: Sequence[str]) -> Iterator[Path]:
    for name in paths:
        path = ROOT / name
        yield from [path] if path.is_file() else sorted(path.rglob("*.py"))


def _of_file(path: Path, source: Source) -> Iterator[Message]:
    module = ast.parse(path.read_text(encoding="utf-8"))
    for function, node in [(None, module), *_walk(module, None)]:
        wanted: list[ast.expr] = []
        if isinstance(node, ast.Call):
            wanted = _argument(node, source.calls)
        elif isinstance(node, ast.Return) and function is not None and function.name in source.functions:
            wanted = [] if node.value is None else [node.value]
        elif isinstance(node, ast.Module):
            wanted = [value for name in source.constants for value in _assigned(node, name)]
        scope = _Scope(module=module, function=function)
        name = "the module" if function is None else function.name
        for value in wanted:
            for text in scope.texts(value):
                yield Message(text=_tidy(text), place=f"{path.relative_to(ROOT)}: {name}")


def _walk(node: ast.AST, function: ast.FunctionDef | None) -> Iterator[tuple[ast.FunctionDef | None, ast.AST]]:
    for child in ast.iter_child_nodes(node):
        yield function, child
        yield from _walk(child, child if isinstance(child, ast.FunctionDef) else function)


def _argument(call: ast.Call, calls: Sequence[tuple[str, int | str]]) -> list[ast.expr]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    for known, place in calls:
        if known == name and isinstance(place, str):
            return [keyword.value for keyword in call.keywords if keyword.arg == place]
        if known == name and isinstance(place, int) and len(call.args) > place:
            return [call.args[place]]
    return []


def _tidy(text: str) -> str:
    first, *_ = text.strip().split("\n")
    return re.sub(r"(\.\.\.){2,}", _VALUE, " ".join(first.split()))


@dataclass(frozen=True, kw_only=True)
class _Scope:
    """What the names of an expression may stand for."""

    module: ast.Module
    function: ast.FunctionDef | None
    seen: tuple[str, ...] = ()

    def texts(self, node: ast.expr) -> list[str]:
        """Each way in which an expression may read."""
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.JoinedStr(values=parts):
                return self._joined(parts)
            case ast.FormattedValue(value=ast.Name() | ast.IfExp() as value, conversion=-1):
                # What may be left out is one more value: a row for each spelling would say nothing more
                found = self.texts(value)
                return [_VALUE] if "" in found else found
            case ast.IfExp(body=body, orelse=other):
                return [*self.texts(body), *self.texts(other)]
            case ast.BoolOp(op=ast.Or(), values=values):
                return [text for value in values for text in self.texts(value)]
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                return self._joined([left, right])
            case ast.Tuple(elts=[*_, last]):
                # A kind and its sentence
                return self.texts(last)
            case ast.Name(id=name) if name not in self.seen:
                return self._named(name)
            case ast.Call(func=ast.Name(id=name)) if name not in self.seen:
                return self._returned(name)
        return [_VALUE]

    def _joined(self, parts: Sequence[ast.expr]) -> list[str]:
        choices = [self.texts(part) for part in parts]
        if math.prod(map(len, choices)) > _MOST_TEMPLATES:
            choices = [one if len(one) == 1 else [_VALUE] for one in choices]
        return ["".join(chosen) for chosen in itertools.product(*choices)]

    def _named(self, name: str) -> list[str]:
        inner = _Scope(module=self.module, function=self.function, seen=(*self.seen, name))
        for tree in (self.function, self.module):
            values = [] if tree is None else list(_assigned(tree, name))
            if values:
                return list(dict.fromkeys(text for value in values for text in inner.texts(value)))
        # A variable that the reader sets is named in its sentence, and searched for
        known = getattr(variables, name, None)
        return [known] if isinstance(known, str) else [_VALUE]

    def _returned(self, name: str) -> list[str]:
        for node in self.module.body:
            if isinstance(node, ast.FunctionDef) and node.name == name:
                inner = _Scope(module=self.module, function=node, seen=(*self.seen, name))
                values = [one.value for one in ast.walk(node) if isinstance(one, ast.Return) and one.value is not None]
                return [text for value in values for text in inner.texts(value)] or [_VALUE]
        return [_VALUE]


def _assigned(tree: ast.AST, name: str) -> Iterator[ast.expr]:
    """What is assigned to a name in a function or a module, a tuple's parts one by one."""
    nodes = ast.walk(tree) if isinstance(tree, ast.FunctionDef) else ast.iter_child_nodes(tree)
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=found)], value=value) if found == name:
                yield value
            case ast.AnnAssign(target=ast.Name(id=found), value=ast.expr() as value) if found == name:
                yield value
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                for target, value in zip(names, values, strict=True):
                    if isinstance(target, ast.Name) and target.id == name:
                        yield value
