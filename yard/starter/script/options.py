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
    is_computed: bool = False
    """Whether it has a default that only running the script would tell."""
    required: bool = False
    kind: str = "value"
    """`value`, `flag`, `list` or `position`."""
    type: str | None = None
    """What its text is made into, as the script names it: float, or a function of its own."""
    choices: tuple[str, ...] = ()
    """The only values that it takes."""

    @property
    def is_hyperparameter(self) -> bool:
        """Whether `--name value` sets it, which is how a hyperparameter arrives."""
        return self.kind == "value" and self.name.startswith("--")


def find(tree: ast.Module) -> list[Option]:
    """Every option of the script, in the order of its lines."""
    found = [*_calls(tree), *_typer(tree), *_dataclasses(tree)]
    return sorted(found, key=lambda option: option.line)


def foreign_dataclasses(tree: ast.Module) -> dict[str, int]:
    """The classes of others that HfArgumentParser gets, with a line of each: their fields are options too."""
    own = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    return {name: line for name, line in _handed(tree).items() if name not in own}


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
    made = given.get("type")
    of = (
        made.args[0] if isinstance(made, ast.Call) and made.args and ast.unparse(made.func).endswith("Choice") else None
    )
    yield Option(
        name=name,
        line=call.lineno,
        default=_plain(given.get("default")),
        is_computed=_is_computed(given.get("default")),
        required=(needed or _truth(given.get("required"))) and "envvar" not in given,
        kind=kind,
        type=None if made is None or of is not None else ast.unparse(made),
        choices=_choices(of if of is not None else given.get("choices")),
    )


def _typer(tree: ast.Module) -> Iterator[Option]:
    """Parameters of typer's commands, as `= typer.Option(0.1)` and as `Annotated[float, typer.Option()] = 0.1`.

    A command's parameter that names neither is an option if it has a default, and a position if it has none.
    """
    commands = _commands(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef):
            continue
        of, first = node.args, len(node.args.args) - len(node.args.defaults)
        values: list[ast.expr | None] = [*([None] * first), *of.defaults, *of.kw_defaults]
        for parameter, value in zip([*of.args, *of.kwonlyargs], values, strict=True):
            kind, noted = parameter.annotation, _of_typer(value)
            if noted is not None:
                value = noted.args[0] if noted.args else None
            elif isinstance(kind, ast.Subscript) and ast.unparse(kind.value).endswith("Annotated"):
                parts = kind.slice.elts if isinstance(kind.slice, ast.Tuple) else [kind.slice]
                kind, noted = parts[0], next(filter(None, map(_of_typer, parts[1:])), None)
            if noted is None and (node.name not in commands or kind is None or ast.unparse(kind).endswith("Context")):
                continue
            is_position = value is None if noted is None else ast.unparse(noted.func).endswith("Argument")
            yield _of_parameter(parameter, kind, value, is_position=is_position)


def _of_parameter(parameter: ast.arg, kind: ast.expr | None, value: ast.expr | None, *, is_position: bool) -> Option:
    default, said = _plain(value), None if kind is None else ast.unparse(kind)
    is_list = said is not None and said.lower().startswith(("list", "tuple"))
    return Option(
        name=parameter.arg if is_position else f"--{parameter.arg.replace('_', '-')}",
        line=parameter.lineno,
        default=default if default is not ... else None,
        is_computed=_is_computed(value),
        required=value is None or default is ...,
        kind="position" if is_position else "flag" if said == "bool" else "list" if is_list else "value",
        type=said,
    )


def _of_typer(node: ast.expr | None) -> ast.Call | None:
    """The call of typer.Option or typer.Argument that this is."""
    is_one = isinstance(node, ast.Call) and ast.unparse(node.func) in ("typer.Option", "typer.Argument")
    return node if isinstance(node, ast.Call) and is_one else None


def _commands(tree: ast.Module) -> set[str]:
    """The functions that typer makes commands of."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    if not any("typer" in ast.unparse(node) for node in imports):
        return set()
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            decorators = [one.func if isinstance(one, ast.Call) else one for one in node.decorator_list]
            if any(isinstance(one, ast.Attribute) and one.attr == "command" for one in decorators):
                found.add(node.name)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "typer.run":
            found |= {one.id for one in node.args if isinstance(one, ast.Name)}
    return found


def _dataclasses(tree: ast.Module) -> Iterator[Option]:
    """The fields of the script's own dataclasses that it hands to HfArgumentParser."""
    handed = _handed(tree)
    for node in tree.body:
        if not isinstance(node, ast.ClassDef) or node.name not in handed:
            continue
        for item in node.body:
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                value = item.value
                if isinstance(value, ast.Call):
                    value = next((word.value for word in value.keywords if word.arg == "default"), None)
                said = ast.unparse(item.annotation)
                yield Option(
                    name=f"--{item.target.id}",
                    line=item.lineno,
                    default=_plain(value),
                    is_computed=_is_computed(value) or (item.value is not None and value is None),
                    required=item.value is None,
                    kind="list" if said.lower().startswith("list") else "value",
                    type=said,
                )


def _handed(tree: ast.Module) -> dict[str, int]:
    """What HfArgumentParser gets, with its line."""
    return {
        name.id: name.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("HfArgumentParser")
        for given in (*node.args, *(word.value for word in node.keywords))
        for name in ast.walk(given)
        if isinstance(name, ast.Name)
    }


def _plain(node: ast.expr | None) -> Any:
    """A literal; None for what only running the script would tell."""
    try:
        return None if node is None else ast.literal_eval(node)
    except ValueError:
        return None


def _is_computed(node: ast.expr | None) -> bool:
    return _plain(node) is None and node is not None and not (isinstance(node, ast.Constant) and node.value is None)


def _choices(node: ast.expr | None) -> tuple[str, ...]:
    found = _plain(node)
    return tuple(map(str, found)) if isinstance(found, list | tuple | set) else ()


def _word(node: ast.expr | None) -> str:
    value = _plain(node)
    if value is None and node is not None:
        return ast.unparse(node).rpartition(".")[2]
    return str(value)


def _truth(node: ast.expr | None) -> bool:
    return _plain(node) is True
