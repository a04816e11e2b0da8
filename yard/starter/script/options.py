"""The options that a script takes, read from its source: argparse first, then click, typer and HfArgumentParser."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_FLAGS = ("store_true", "store_false", "BooleanOptionalAction")


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """One option or positional argument."""

    name: str
    """As it is typed: `--lr`, or a position's name without dashes."""
    line: int
    default: Any = None
    """Its default if it is a plain value."""
    required: bool = False
    kind: str = "value"
    """`value`, `flag`, `list` or `position`."""

    @property
    def is_hyperparameter(self) -> bool:
        """Whether `--name value` sets it, which is how a hyperparameter arrives."""
        return self.kind == "value" and self.name.startswith("--")


def find(tree: ast.Module) -> list[Option]:
    """Every option of the script, in the order of its lines."""
    found = [*_calls(tree), *_typer(tree), *_dataclasses(tree)]
    return sorted(found, key=lambda option: option.line)


def _calls(tree: ast.Module) -> Iterator[Option]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner = node.func.value
        if node.func.attr == "add_argument" or (
            isinstance(owner, ast.Name) and owner.id == "click" and node.func.attr in ("option", "argument")
        ):
            yield from _argument(node)


def _argument(call: ast.Call) -> Iterator[Option]:
    names = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    if not names:
        return
    given = {word.arg: word.value for word in call.keywords}
    name = max((one.partition("/")[0] for one in names), key=len)
    kind = "value"
    if not name.startswith("-"):
        kind = "position"
    elif _word(given.get("action")) in _FLAGS or _truth(given.get("is_flag")):
        kind = "flag"
    elif "nargs" in given or _truth(given.get("multiple")):
        kind = "list"
    needed = kind == "position" and "default" not in given and _word(given.get("nargs")) not in ("?", "*")
    yield Option(
        name=name,
        line=call.lineno,
        default=_plain(given.get("default")),
        required=(needed or _truth(given.get("required"))) and "envvar" not in given,
        kind=kind,
    )


def _typer(tree: ast.Module) -> Iterator[Option]:
    """Parameters whose default is typer.Option(...) or typer.Argument(...)."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef):
            continue
        of, first = node.args, len(node.args.args) - len(node.args.defaults)
        for parameter, value in zip([*of.args[first:], *of.kwonlyargs], [*of.defaults, *of.kw_defaults], strict=True):
            if not isinstance(value, ast.Call) or ast.unparse(value.func) not in ("typer.Option", "typer.Argument"):
                continue
            default = _plain(value.args[0]) if value.args else None
            is_flag = isinstance(parameter.annotation, ast.Name) and parameter.annotation.id == "bool"
            is_position = ast.unparse(value.func) == "typer.Argument"
            yield Option(
                name=parameter.arg if is_position else f"--{parameter.arg.replace('_', '-')}",
                line=parameter.lineno,
                default=default if default is not ... else None,
                required=not value.args or default is ...,
                kind="position" if is_position else "flag" if is_flag else "value",
            )


def _dataclasses(tree: ast.Module) -> Iterator[Option]:
    """The fields of the script's own dataclasses that it hands to HfArgumentParser."""
    handed = {
        name.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("HfArgumentParser")
        for name in ast.walk(node)
        if isinstance(name, ast.Name)
    }
    for node in tree.body:
        if not isinstance(node, ast.ClassDef) or node.name not in handed:
            continue
        for item in node.body:
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                value = item.value
                if isinstance(value, ast.Call):
                    value = next((word.value for word in value.keywords if word.arg == "default"), None)
                yield Option(
                    name=f"--{item.target.id}", line=item.lineno, default=_plain(value), required=item.value is None
                )


def _plain(node: ast.expr | None) -> Any:
    """A literal; None for what only running the script would tell."""
    try:
        return None if node is None else ast.literal_eval(node)
    except ValueError:
        return None


def _word(node: ast.expr | None) -> str:
    value = _plain(node)
    if value is None and node is not None:
        return ast.unparse(node).rpartition(".")[2]
    return str(value)


def _truth(node: ast.expr | None) -> bool:
    return _plain(node) is True
