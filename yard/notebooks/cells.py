"""The cells of a notebook as Python that runs outside of it: one pass through each, then what only all of them tell."""

import ast
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

from yard.notebooks import ipython, magics, names, parameters, path_uses, paths, stand_ins
from yard.notebooks.edits import Edits
from yard.notebooks.paths import Given, Places
from yard.notebooks.reading import Cell, Findings, Notebook
from yard.notebooks.shell import Place
from yard.notebooks.stand_ins import Helpers

_OWN_NAMES = (
    *("display", "_shell", "_shell_lines", "_unseen", "_keep_figures", "_switch", "_loop", "MODEL_DIR", "OUTPUT_DIR"),
    *("_os", "_time", "_subprocess", "_argparse", "get_ipython"),
)
"""What the script itself binds, for its cells."""
_BINDS_A_LOOP = ("asyncio.create_task", "asyncio.ensure_future", "asyncio.get_running_loop")


@dataclass(frozen=True, kw_only=True, slots=True)
class Converted:
    """What the cells became."""

    texts: dict[int, str] = field(default_factory=dict)
    """The Python of each code cell, by its number."""
    trees: Sequence[tuple[int, ast.Module]] = ()
    """As the cells were, without IPython's own lines."""
    places: Places = field(default_factory=Places)
    helpers: frozenset[str] = frozenset()
    """The script's own functions that they call."""
    futures: tuple[str, ...] = ()
    """Imports of `__future__`, which a program begins with."""


def convert(notebook: Notebook, given: Given, findings: Findings, *, maps_paths: bool = True) -> Converted:
    """Convert every code cell; whatever cannot be is among the findings, from all cells at once."""
    known = frozenset(name for cell in notebook.code for name in ipython.bound_names(cell.source))
    helpers, edits, trees, futures = Helpers(), dict[int, Edits](), list[tuple[int, ast.Module]](), list[str]()
    for cell in notebook.code:
        place = Place(cell=cell.number, line=1, findings=findings, folder=notebook.path.parent, names=known)
        text = _python(cell, place)
        tree = _parsed(text, cell.number, findings)
        if tree is None:
            continue
        trees.append((cell.number, tree))
        edits[cell.number] = Edits(source=text)
        futures += _futures(tree, edits[cell.number])
        stand_ins.replace(tree, edits[cell.number], place, helpers, shows="parameters" not in cell.tags)
    uses = list(path_uses.find(trees)) if maps_paths else []
    places = paths.place(uses, edits, notebook.path.parent, given, findings)
    texts = {number: one.applied() for number, one in edits.items()}
    drawing = _draws(trees, helpers.drawing)
    if drawing:
        helpers.names.add("figures")
    for cell in notebook.code:
        if cell.number not in texts:
            continue
        text = texts[cell.number]
        if "parameters" in cell.tags:
            text = parameters.convert(text, ast.parse(text), cell.number, findings)
            helpers.names.add("parameters")
        if cell.number in drawing:
            text += f"\n_keep_figures({cell.number})"
        texts[cell.number] = _awaited(text, cell.number, findings)
    _check_names(texts, findings, places)
    used = _used_helpers(texts.values(), helpers)
    return Converted(texts=texts, trees=trees, places=places, helpers=used, futures=tuple(futures))


def _python(cell: Cell, place: Place) -> str:
    """The cell without IPython's own lines."""

    def replaced(found: ipython.Segment) -> str:
        where = Place(
            cell=place.cell,
            line=found.line + before,
            findings=place.findings,
            folder=place.folder,
            names=place.names,
        )
        return magics.line(found, where)

    before = 0
    found = ipython.cell_magic(cell.source)
    if found is None:
        return ipython.rewritten(cell.source, replaced)
    name, argument, body = found
    first, rest = magics.cell(name, argument, body, place)
    before = 1
    nested = ipython.cell_magic(rest) if rest else None
    if nested is not None:
        place.refuse(f"%%{nested[0]} stands below %%{name}: one of them is enough")
        return "pass"
    return f"{first}\n{ipython.rewritten(rest, replaced)}" if rest else first


def _parsed(text: str, number: int, findings: Findings) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # the person has seen them in the notebook
            tree = ast.parse(text)
            compile(text, f"cell {number}", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except SyntaxError as error:
        findings.refuse(number, error.lineno, f"it is no Python: {error.msg}")
        return None
    except (ValueError, RecursionError) as error:
        findings.refuse(number, None, f"it is no Python: {error}")
        return None
    return tree


def _futures(tree: ast.Module, edits: Edits) -> list[str]:
    found = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    for node in found:
        edits.replace(node, "pass")
    return [ast.unparse(node) for node in found]


def _draws(trees: Sequence[tuple[int, ast.Module]], drawing: set[str]) -> set[int]:
    """The cells that name a library which draws, beyond its import, or call `plot` of something."""
    if not drawing:
        return set()
    return {
        number
        for number, tree in trees
        for node in ast.walk(tree)
        if (isinstance(node, ast.Name) and node.id in drawing)
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("plot", "hist"))
    }


def _awaited(text: str, number: int, findings: Findings) -> str:
    """A cell that awaits, in a coroutine whose names are the module's; one loop runs all of them, as in a notebook."""
    tree = ast.parse(text)
    if not _needs_loop(tree):
        return text
    fixed = _fixed_lines(tree)
    lines = [
        line if number_ in fixed or not line else f"    {line}" for number_, line in enumerate(text.split("\n"), 1)
    ]
    bound = sorted(_bound_here(tree))
    head = [f"async def _cell_{number}():"]
    if bound:
        head.append(f"    global {', '.join(bound)}")
    done = "\n".join([*head, *lines, "", "", f"_loop.run_until_complete(_cell_{number}())"])
    try:
        compile(done, f"cell {number}", "exec", dont_inherit=True)
    except SyntaxError as error:
        findings.refuse(number, None, f"it awaits outside of a function, and cannot be put into one: {error.msg}")
    return done


def _fixed_lines(tree: ast.Module) -> set[int]:
    """The lines that begin within a text: to indent them would change it."""
    return {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))
        for line in range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)
    }


def _needs_loop(tree: ast.Module) -> bool:
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith):
            return True
        if isinstance(node, ast.comprehension) and node.is_async:
            return True
        if isinstance(node, ast.Call) and ast.unparse(node.func) in _BINDS_A_LOOP:
            return True
        waiting += ast.iter_child_nodes(node)
    return False


def _bound_here(tree: ast.Module) -> set[str]:
    """What the statements of a module bind, functions and classes among it, without what is bound within those."""
    found: set[str] = set()
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
            continue
        if isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
            found.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ExceptHandler) and node.name is not None:
            found.add(node.name)
        waiting += ast.iter_child_nodes(node)
    return found


def _check_names(texts: dict[int, str], findings: Findings, places: Places) -> None:
    own = {*_OWN_NAMES, *(paths.constant_of(name) for name in places.channels)}
    if any(remark.says.startswith("it is no Python") for remark in findings.refusals):
        return  # what the broken cell would have bound is not known
    names.check([(number, text, ast.parse(text)) for number, text in texts.items()], findings, frozenset(own))


def _used_helpers(texts: object, helpers: Helpers) -> frozenset[str]:
    """The script's own functions and modules that the cells name."""
    found = set(helpers.names)
    for text in texts:  # type: ignore[attr-defined]
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Name):
                found.add(node.id)
    return frozenset(found)
