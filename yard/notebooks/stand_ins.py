"""What serves a person in front of a notebook, and what a job has instead: texts in the log, images in the outputs."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from yard.notebooks import magics
from yard.notebooks.edits import Edits
from yard.notebooks.ipython import Segment
from yard.notebooks.reading import listed
from yard.notebooks.shell import Place

_SEEN = listed(
    "HTML Markdown Latex Math SVG Image Javascript JSON Pretty Code Audio Video IFrame YouTubeVideo "
    "FileLink FileLinks clear_output set_matplotlib_formats update_display display_html display_markdown"
)
"""What IPython.display has and a log cannot show."""
_PRINTED = frozenset({"display", "display_pretty"})
_REFUSED: Mapping[str, str] = {
    "ipywidgets": "a widget waits for a person: make what it sets a parameter",
    "ipycanvas": "a widget waits for a person: leave it out, or tag the cell `skip`",
    "bqplot": "a widget waits for a person: draw with matplotlib",
    "google.colab": "it is Colab's own machine: data comes by channels, and what is kept lies in the outputs",
    "kaggle_secrets": "secrets come as variables: [secrets] in the job's file",
    "dbutils": "it is Databricks' own: data comes by channels",
    "ipykernel": "a job has no kernel",
    "IPython": "of IPython a job has only what IPython.display prints",
}
_ASKS = ("input", "getpass.getpass", "getpass")
_DRAWS = ("matplotlib", "seaborn", "pylab")
_INSTANCE_METHODS = ("run_line_magic", "magic", "run_cell_magic", "system", "getoutput")


@dataclass(kw_only=True, slots=True)
class Helpers:
    """Which of the script's helpers its cells call."""

    names: set[str] = field(default_factory=set)
    drawing: set[str] = field(default_factory=set)
    """Names that stand for a library which draws."""


def replace(tree: ast.Module, edits: Edits, place: Place, helpers: Helpers, *, shows: bool) -> None:
    """Change what a cell asks of the notebook it stood in."""
    guarded = _guarded(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            place.findings.refuse(
                place.cell, node.lineno, f"{ast.unparse(node)}: a notebook is in no package; import it by its name"
            )
        elif isinstance(node, ast.Import | ast.ImportFrom):
            _import(node, edits, place, helpers)
        elif isinstance(node, ast.Call):
            _call(node, edits, place, guarded)
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).startswith("InteractiveShell."):
            edits.replace(node, "pass")
    _keep_shown_figures(tree, edits, place, helpers)
    if shows:
        _show_last(tree, edits, helpers)


def _import(node: ast.Import | ast.ImportFrom, edits: Edits, place: Place, helpers: Helpers) -> None:
    module = node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name
    helpers.drawing |= {
        (alias.asname or alias.name).partition(".")[0]
        for alias in node.names
        if (module if isinstance(node, ast.ImportFrom) else alias.name).partition(".")[0] in _DRAWS
    }
    if module in ("IPython.display", "IPython.core.display", "IPython.core.display_functions"):
        if isinstance(node, ast.ImportFrom):
            edits.replace(node, _display(node, place, helpers))
            return
    elif module == "tqdm.notebook" and isinstance(node, ast.ImportFrom):
        edits.replace(node, ast.unparse(node).replace("tqdm.notebook", "tqdm", 1))
        return
    elif isinstance(node, ast.ImportFrom) and (module, node.names[0].name) in (
        ("IPython", "get_ipython"),
        ("IPython.core.interactiveshell", "InteractiveShell"),
    ):
        edits.replace(node, "pass")
        return
    for name in [module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]:
        says = refusal(name)
        if says is not None:
            place.findings.refuse(place.cell, node.lineno, f"{name}: {says}")


def refusal(module: str) -> str | None:
    """Why a job can do nothing with a module of the notebook's; None for any other module."""
    return next((says for name, says in _REFUSED.items() if module == name or module.startswith(f"{name}.")), None)


def _display(node: ast.ImportFrom, place: Place, helpers: Helpers) -> str:
    """Names of IPython.display by helpers of the script; each of another name than its own is bound to it."""
    said = []
    for alias in node.names:
        name = alias.asname or alias.name
        if alias.name in _PRINTED:
            helpers.names.add("display")
            said += [] if name == "display" else [f"{name} = display"]
        elif alias.name in _SEEN:
            helpers.names.add("unseen")
            said.append(f"{name} = _unseen")
            place.findings.note(place.cell, node.lineno, f"{alias.name} shows nothing in a log")
        else:
            place.findings.refuse(place.cell, node.lineno, f"{alias.name} of IPython.display means nothing in a job")
    return "; ".join(said) or "pass"


def _call(node: ast.Call, edits: Edits, place: Place, guarded: set[int]) -> None:
    name = ast.unparse(node.func)
    if name in _ASKS and id(node) not in guarded:
        place.findings.refuse(place.cell, node.lineno, f"{name}() waits for a person: make it a parameter")
    if not name.startswith("get_ipython()."):
        if name == "get_ipython" and id(node) not in guarded and not _is_of_instance(node, edits):
            place.findings.refuse(place.cell, node.lineno, "get_ipython() is the open notebook, which a job has not")
        return
    method = name.rpartition(".")[2]
    words = [word.value for word in node.args if isinstance(word, ast.Constant) and isinstance(word.value, str)]
    where = Place(cell=place.cell, line=node.lineno, findings=place.findings, folder=place.folder, names=place.names)
    if method not in _INSTANCE_METHODS or len(words) != len(node.args) or not words or method == "run_cell_magic":
        place.findings.refuse(place.cell, node.lineno, f"{name}: write it in Python, or as the magic that it calls")
        return
    kind = "shell" if method in ("system", "getoutput") else "magic"
    target = "_" if method == "getoutput" else ""
    found = Segment(line=node.lineno, count=1, text="", kind=kind, command=" ".join(words), target=target)
    said = magics.line(found, where).removeprefix("_ = ")
    edits.replace(node, "None" if said == "pass" else said)


def _is_of_instance(node: ast.Call, edits: Edits) -> bool:
    """Whether it is the `get_ipython()` of a call that is looked at as a whole."""
    _, end = edits.span(node)
    return edits.source.encode()[end:].lstrip().startswith(tuple(f".{name}(".encode() for name in _INSTANCE_METHODS))


def _guarded(tree: ast.Module) -> set[int]:
    """The nodes that a NameError or any error may befall: `try: get_ipython() except NameError`."""
    return {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Try)
        for handler in node.handlers
        if handler.type is None or ast.unparse(handler.type) in ("NameError", "Exception", "(NameError, KeyError)")
        for part in node.body
        for inner in ast.walk(part)
    }


def _keep_shown_figures(tree: ast.Module, edits: Edits, place: Place, helpers: Helpers) -> None:
    """Figures are saved where they were shown."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Attribute)
            and node.value.func.attr == "show"
            and ast.unparse(node.value.func.value) in helpers.drawing
        ):
            helpers.names.add("figures")
            edits.replace(node, f"_keep_figures({place.cell})")


def _show_last(tree: ast.Module, edits: Edits, helpers: Helpers) -> None:
    """The value of a cell's last line is printed, unless a semicolon follows it."""
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr) or isinstance(last.value, ast.Constant | ast.Yield | ast.YieldFrom):
        return
    _, end = edits.span(last)
    follows = edits.source.encode()[end:].partition(b"\n")[0].partition(b"#")[0].strip()
    root: ast.AST = last.value
    while isinstance(root, ast.Attribute | ast.Call | ast.Subscript | ast.Await):
        root = root.func if isinstance(root, ast.Call) else root.value
    quiet = isinstance(root, ast.Name) and (root.id in helpers.drawing or root.id in _QUIET)
    if not follows.startswith(b";") and not quiet and id(last.value) not in {id(node) for node in _replaced(tree)}:
        helpers.names.add("display")
        edits.wrap(last.value, "display(", ")")


def _replaced(tree: ast.Module) -> list[ast.expr]:
    """Calls of the notebook itself, which are replaced as a whole."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("get_ipython()")
    ]


_QUIET = frozenset({"print", "display", "_shell", "_subprocess", "exit", "quit", "clear_output", "help"})
