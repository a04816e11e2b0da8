"""Names that no cell binds, or only a later one: the notebook ran in another order, or a cell was deleted."""

import ast
import builtins
import symtable
from collections.abc import Iterator, Sequence

from yard.notebooks.reading import Findings

_KNOWN = frozenset(dir(builtins)) | {"__file__", "__name__", "__doc__", "__builtins__", "__spec__", "__loader__"}
_HISTORY = frozenset({"_", "__", "___", "In", "Out", "_i", "_ii", "_iii", "_dh", "_oh", "_ih"})
_REASON_HISTORY = "{name} is what IPython remembers of other cells: give the value a name"
_REASON_LATER = "{name} is bound by cell {later} alone, which comes later: a job runs the cells in their order"
_REASON_NOWHERE = "{name} is bound by no cell: it was typed elsewhere, or its cell was deleted or is tagged `skip`"


def check(cells: Sequence[tuple[int, str, ast.Module]], findings: Findings, helpers: frozenset[str]) -> None:
    """Refuse what a cell uses and no earlier one binds: each cell with its number, its Python and its tree."""
    if any(_cannot_tell(tree) for _, _, tree in cells):
        findings.note(0, None, "names are not checked: `from x import *`, `exec` or `globals()` may bind any")
        return
    tables = [(number, tree, symtable.symtable(text, f"cell {number}", "exec")) for number, text, tree in cells]
    binding: dict[str, int] = {}
    for number, _, table in tables:
        for name in _bound(table):
            binding.setdefault(name, number)
    for number, tree, table in tables:
        guarded = _guarded(tree)
        for name, at_once in sorted(_used(table, at_once=True)):
            known = name in _KNOWN or name in helpers or name in guarded
            if known or (name in binding and (binding[name] <= number or not at_once)):
                continue
            reason = _REASON_LATER if name in binding else _REASON_HISTORY if name in _HISTORY else _REASON_NOWHERE
            findings.refuse(number, _line(tree, name), reason.format(name=name, later=binding.get(name)))


def _bound(table: symtable.SymbolTable) -> Iterator[str]:
    """What a cell binds in the module, in functions by `global` as well."""
    is_module = table.get_type() == "module"
    for symbol in table.get_symbols():
        here = symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
        if here and (is_module or symbol.is_declared_global()):
            yield symbol.get_name()
    for child in table.get_children():
        yield from _bound(child)


def _used(table: symtable.SymbolTable, *, at_once: bool) -> set[tuple[str, bool]]:
    """The module's names that a scope uses, and whether it does so when its cell runs."""
    is_module = table.get_type() == "module"
    found = {
        (symbol.get_name(), at_once)
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (is_module or symbol.is_global())
    }
    for child in table.get_children():
        deferred = child.get_type() == "function" and child.get_name() not in (
            *("listcomp", "setcomp", "dictcomp", "genexpr"),
            *("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"),
        )
        found |= _used(child, at_once=at_once and not deferred)
    return found


def _guarded(tree: ast.Module) -> set[str]:
    """Names that are tried, for the case that nobody has bound them."""
    return {
        inner.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Try)
        for handler in node.handlers
        if handler.type is None or "NameError" in ast.unparse(handler.type) or ast.unparse(handler.type) == "Exception"
        for part in node.body
        for inner in ast.walk(part)
        if isinstance(inner, ast.Name)
    }


def _cannot_tell(tree: ast.Module) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            return True
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("exec", "globals"):
            return True
    return False


def _line(tree: ast.Module, name: str) -> int | None:
    lines = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == name]
    return min(lines, default=None)
