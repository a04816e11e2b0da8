"""Errors in a job's code, found where nothing bills: in the program, and in what it imports of its own folder."""

import ast
from collections.abc import Iterator

from shardyard.spec.errors import Problem
from shardyard.spec.jobs.code.files import SourceFiles


def syntax_problems(code: SourceFiles, entry: str) -> Iterator[Problem]:
    """A problem for a program that stays here, and for each file that Python cannot read.

    Files that nothing imports may be what they like.
    """
    if entry.endswith(".py") and entry not in code.files:
        yield Problem(
            "program.entry",
            f"{entry!r} does not travel: a .gitignore or .yardignore leaves it out (take it back in .yardignore: "
            f"!{entry})",
        )
    waiting = [entry] if entry.endswith(".py") else _modules(code, entry)
    seen = set(waiting)
    while waiting:
        name = waiting.pop(0)
        if name not in code.files:
            continue
        try:
            tree = ast.parse(code.files[name].read_bytes(), filename=name)
        except (SyntaxError, ValueError) as error:
            line = f" (line {error.lineno})" if isinstance(error, SyntaxError) and error.lineno is not None else ""
            said = error.msg if isinstance(error, SyntaxError) else str(error)
            yield Problem("source.dir", f"{name} is no Python: {said}{line}")
            continue
        found = {path for module in _imported(tree, name) for path in _modules(code, module)}
        waiting += sorted(found - seen)
        seen |= found


def _imported(tree: ast.Module, name: str) -> Iterator[str]:
    """The modules that a file names; relative ones from the package that it lies in."""
    package = name.split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module is not None else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _modules(code: SourceFiles, module: str) -> list[str]:
    """The files that an import of a module runs: its own, and the __init__.py of each package above."""
    parts = module.split(".")
    own = "/".join(parts)
    packages = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    names = [f"{own}.py", *(f"{package}/__init__.py" for package in packages)]
    return [name for name in names if name in code.files]
