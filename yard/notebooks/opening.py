"""`yard notebook open`: a job's script as a notebook, with its hyperparameters and what a container would tell it."""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

from contract import variables
from contract.hyperparameters import Scalar
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.product import image_sources
from yard.errors import UserError
from yard.notebooks.reading import Cell
from yard.notebooks.script import MARK
from yard.notebooks.writing import write_notebook
from yard.project import Project

_PARAMETERS = 'tags=["parameters"]'
_ALONE = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}
"""A group of one rank, for a script that is one of several."""


def open_job(project: Project, name: str, to: Path | None) -> Path:
    """Write a job's script as a notebook; return its path."""
    spec = project.training_job(name)
    target = project.root / "notebooks" / f"{name}.ipynb" if to is None else to
    if target.exists():
        raise UserError(f"{target} is there already.", "Name another file: --to FILE.ipynb")
    script, root = _script(project, spec)
    text = script.read_text(encoding="utf-8")
    try:
        cells = list(_cells(text, spec.hyperparameters))
    except SyntaxError as error:
        raise UserError(f"{script} is no Python: {error.msg} (line {error.lineno}).", "Correct it first.") from None
    has_parameters = any("parameters" in cell.tags for cell in cells)
    setup = _setup(spec, target.resolve().parent, script, root, with_arguments=not has_parameters)
    head = f"# {name}\n\n{spec.description}\n\nThe script of this job, {script.name}, opened by `yard notebook open`."
    write_notebook(
        target,
        [
            Cell(number=1, kind="markdown", source=head, tags=frozenset()),
            Cell(number=2, kind="code", source="\n".join(setup), tags=frozenset({"skip"})),
            *cells,
        ],
    )
    return target


def _script(project: Project, spec: JobSpec) -> tuple[Path, Path]:
    """The file that a job starts, and the folder that its imports begin at."""
    if spec.program is None:
        raise UserError(f"The job {spec.name} runs an algorithm of its image: there is no script to open.")
    entry = spec.program.entry
    folders = [project.root / spec.source.dir] if spec.source is not None else []
    ours = image_sources(project.root)
    for folder in (*folders, ours):
        path = folder / entry if entry.endswith(".py") else folder / f"{entry.replace('.', '/')}.py"
        if path.is_file():
            return path, folder
    raise UserError(
        f"{entry}, which the job {spec.name} runs, is in its image alone.", "Only code of the project opens."
    )


def _setup(spec: JobSpec, beside: Path, script: Path, root: Path, *, with_arguments: bool) -> Iterator[str]:
    """What the launcher would set: folders, variables and, where the script reads them itself, arguments."""
    yield "# What a job finds set by its launcher. Tagged `skip`: a job made of this notebook has it anyway."
    yield "import os"
    yield "import sys"
    yield ""
    yield f"code = os.path.abspath({os.path.relpath(root, beside)!r})"
    yield f"__file__ = os.path.join(code, {script.relative_to(root).as_posix()!r})"
    yield "sys.path.insert(0, code)"
    folders = {"SM_MODEL_DIR": "model", "SM_OUTPUT_DATA_DIR": "output"}
    folders |= {f"SM_CHANNEL_{name.upper()}": f"data/{name}" for name in spec.channels}
    if spec.checkpoints.enabled:
        folders[variables.CHECKPOINT_DIR] = "checkpoints"
    for variable, folder in folders.items():
        yield f'os.environ.setdefault("{variable}", os.path.abspath("{folder}"))'
        yield f'os.makedirs(os.environ["{variable}"], exist_ok=True)'
    given = dict(spec.environment)
    if spec.program is not None and spec.program.launcher == "torchrun":
        given |= {name: value for name, value in _ALONE.items() if name not in given}
    for variable, value in given.items():
        yield f"os.environ.setdefault({variable!r}, {value!r})"
    if with_arguments and spec.program is not None:
        words = [*spec.program.arguments, *_arguments(spec.hyperparameters)]
        yield f"sys.argv = {[script.name, *words]!r}"
    yield "os.chdir(code)"


def _arguments(values: dict[str, Scalar]) -> Iterator[str]:
    for name in sorted(values):
        yield f"--{name}" if len(name) > 1 else f"-{name}"
        yield str(values[name])


def _cells(text: str, values: dict[str, Scalar]) -> Iterator[Cell]:
    """The script in cells: those of its marks, or else its imports, functions, classes and what is between."""
    ast.parse(text)
    parts = re.split(rf"^(?={re.escape(MARK)})", text, flags=re.MULTILINE)
    if len(parts) == 1:
        for number, part in enumerate(_statements(text), 3):
            yield Cell(number=number, kind="code", source=part, tags=frozenset())
        return
    for number, part in enumerate((part for part in parts if part.strip()), 3):
        head, _, source = part.partition("\n") if part.startswith(MARK) else ("", "", part)
        source = source.strip("\n")
        if "[markdown]" in head:
            lines = [re.sub(r"^# ?", "", line) for line in source.split("\n")]
            yield Cell(number=number, kind="markdown", source="\n".join(lines), tags=frozenset())
        elif _PARAMETERS in head:
            source = "\n".join(_assignments(source, values))
            yield Cell(number=number, kind="code", source=source, tags=frozenset({"parameters"}))
        elif source:
            yield Cell(number=number, kind="code", source=source, tags=frozenset())


def _assignments(source: str, values: dict[str, Scalar]) -> Iterator[str]:
    """The parser of a converted notebook as the assignments that it came from, with the job's values."""
    for node in ast.parse(source).body:
        call = node.value if isinstance(node, ast.Expr) else None
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "_parser.add_argument":
            name = str(ast.literal_eval(call.args[-1])).lstrip("-")
            given = {word.arg: word.value for word in call.keywords}
            value = repr(values[name]) if name in values else ast.unparse(given["default"])
            comment = f"  # {ast.literal_eval(given['help']).replace('%%', '%')}" if "help" in given else ""
            yield f"{name} = {value}{comment}"
        elif not re.search(r"\b_(parser|given)\b", ast.unparse(node)):
            yield ast.get_source_segment(source, node) or ast.unparse(node)


def _statements(text: str) -> Iterator[str]:
    """A script's lines, cut before each function and class, behind them, and behind the imports."""
    lines, begun, before = text.split("\n"), 0, ""
    for node in ast.parse(text).body:
        kind = _kind(node)
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(one.lineno for one in decorators)]) - 1
        while first > begun and lines[first - 1].startswith("#"):
            first -= 1
        if before and (kind == "block" or kind != before) and first > begun:
            yield "\n".join(lines[begun:first]).strip("\n")
            begun = first
        before = kind
    rest = "\n".join(lines[begun:]).strip("\n")
    if rest:
        yield rest


def _kind(node: ast.stmt) -> str:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return "block"
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return "head" if isinstance(node, ast.Import | ast.ImportFrom) or is_text else "code"
