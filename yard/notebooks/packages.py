"""What a notebook imports: of Python's own, of the files beside it, which travel, or of packages, which are pinned."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yard.errors import UserError
from yard.notebooks import probe
from yard.notebooks.reading import Findings, Notebook
from yard.notebooks.stand_ins import refusal

_OURS = ("contract", "serving", "training")
_PROBE_SECONDS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class _Import:
    """One module that a cell imports."""

    module: str
    cell: int
    line: int
    optional: bool
    """Whether the notebook goes on without it."""


def find(
    cells: Sequence[tuple[int, ast.Module]],
    notebook: Notebook,
    findings: Findings,
    *,
    python: Path | None,
    required: Mapping[str, str],
) -> dict[str, str]:
    """The packages to install, each with its exact version; files of the notebook's own join those that travel."""
    imports = [one for number, tree in cells for one in _imports(number, tree)]
    folders = [notebook.path.parent, *_added_folders(cells, notebook.path.parent)]
    own = {one.module.partition(".")[0] for one in imports if _carry(one.module.partition(".")[0], folders, findings)}
    carried = [
        ast.parse(content) for name, content in findings.files.items() if name.endswith(".py") and _parses(content)
    ]
    imports += [one for tree in carried for one in _imports(0, tree) if not one.optional]
    wanted = [one for one in imports if one.module.partition(".")[0] not in {*own, *_OURS, *_written(findings)}]
    asked = {**findings.packages, **required}
    found = _look(interpreter(notebook, python), [one.module for one in wanted], [_bare(name) for name in asked])
    pins: dict[str, str] = {}
    for one in wanted:
        if one.module.partition(".")[0] in found["stdlib"]:
            continue
        names = found["modules"][one.module]
        for name in names or [one.module.partition(".")[0]]:
            exact = _exact(name, asked, found)
            if exact is not None:
                pins[name] = exact
            elif not one.optional and not any(_bare(given).lower() == name.lower() for given in asked):
                findings.refuse(one.cell, one.line or None, _not_installed(one.module, name, found))
    for name in asked:
        exact = _exact(_bare(name), asked, found)
        if exact is None:
            findings.refuse(
                0, None, f"the version of {name} is not known: it is not installed here (--require {name}==VERSION)"
            )
        else:
            pins.pop(_bare(name), None)
            pins[name] = exact
    return dict(sorted(pins.items(), key=lambda item: item[0].lower()))


def interpreter(notebook: Notebook, python: Path | None) -> str:
    """Whose packages count: those of the interpreter that is named, of the notebook's kernel, or of this command."""
    if python is not None:
        return str(python)
    from jupyter_core.paths import jupyter_path

    for folder in jupyter_path("kernels") if notebook.kernel else []:
        path = Path(folder) / notebook.kernel / "kernel.json"
        try:
            first = Path(json.loads(path.read_text(encoding="utf-8"))["argv"][0])
        except (OSError, ValueError, KeyError, IndexError, TypeError):
            continue
        if first.is_absolute() and first.is_file():
            return str(first)
    return sys.executable


def _look(python: str, modules: list[str], packages: list[str]) -> Mapping[str, Any]:
    if python == sys.executable:
        return probe.look(modules, packages)
    asked = json.dumps({"modules": modules, "packages": packages})
    try:
        done = subprocess.run(
            [python, "-I", probe.__file__], input=asked, capture_output=True, text=True, timeout=_PROBE_SECONDS
        )
        found: Mapping[str, Any] = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise UserError(
            f"{python} does not say which packages it has ({type(error).__name__}).",
            "Name the Python of the notebook's environment, of version 3.10 or later: --python PATH",
        ) from None
    return found


def _exact(name: str, asked: Mapping[str, str], found: Mapping[str, Any]) -> str | None:
    """The version that the notebook or the person names, else the one that is installed, without its build."""
    for given, specifier in asked.items():
        if _bare(given).lower().replace("_", "-") == name.lower().replace("_", "-"):
            exact = re.fullmatch(r"===?([\w.!+-]+)", specifier)
            if exact is not None:
                return exact[1]
    version = found["versions"].get(name)
    return None if version is None or name in found["folders"] else str(version).partition("+")[0]


def _bare(name: str) -> str:
    """A package's name without its extras."""
    return name.partition("[")[0]


def _not_installed(module: str, name: str, found: Mapping[str, Any]) -> str:
    if name in found["folders"]:
        return f"{module} is installed from a folder of this machine: put its package beside the notebook"
    return f"{module} is not installed here: name the notebook's Python (--python PATH), or --require NAME==VERSION"


def _imports(cell: int, tree: ast.Module) -> Iterator[_Import]:
    tried = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Try) and any(_catches(handler.type) for handler in node.handlers)
        for part in node.body
        for inner in ast.walk(part)
    }
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            names = [node.module]
        for name in (name for name in names if refusal(name) is None):
            yield _Import(module=name, cell=cell, line=getattr(node, "lineno", 0), optional=id(node) in tried)


def _catches(kind: ast.expr | None) -> bool:
    said = "" if kind is None else ast.unparse(kind)
    return kind is None or any(name in said for name in ("ImportError", "ModuleNotFoundError", "Exception"))


def _added_folders(cells: Sequence[tuple[int, ast.Module]], folder: Path) -> Iterator[Path]:
    """Folders that the notebook adds to sys.path by a plain text."""
    for _, tree in cells:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("sys.path.append", "sys.path.insert"):
                word = node.args[-1] if node.args else None
                if isinstance(word, ast.Constant) and isinstance(word.value, str):
                    yield folder / word.value


def _carry(name: str, folders: Sequence[Path], findings: Findings) -> bool:
    """Let a module of the notebook's own travel, with what it imports of its own; False for any other."""
    for folder in folders:
        module, package = folder / f"{name}.py", folder / name
        paths = []
        if package.is_dir() and any(package.glob("*.py")):
            paths = [path for path in sorted(package.rglob("*.py")) if "__pycache__" not in path.parts]
        elif module.is_file():
            paths = [module]
        for path in paths:
            known = findings.files.setdefault(path.relative_to(folder).as_posix(), path.read_bytes())
            if _parses(known):
                for one in _imports(0, ast.parse(known)):
                    inner = one.module.partition(".")[0]
                    if f"{inner}.py" not in findings.files and inner != name:
                        _carry(inner, folders, findings)
        if paths:
            return True
    return False


def _written(findings: Findings) -> set[str]:
    """Modules that travel already, by their names."""
    return {path.split("/")[0].removesuffix(".py") for path in findings.files if path.endswith(".py")}


def _parses(content: bytes) -> bool:
    try:
        ast.parse(content)
    except (SyntaxError, ValueError):
        return False
    return True
