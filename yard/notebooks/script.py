"""The script that a notebook becomes: a head that says where things are, then the cells in their order."""

from collections.abc import Iterator

from yard.notebooks.cells import Converted
from yard.notebooks.paths import constant_of
from yard.notebooks.reading import Cell, Notebook

MARK = "# %%"
"""Begins a cell, as editors know it."""

_FUNCTIONS = {
    "display": '''\
def display(*shown, **options):
    """What a notebook shows below a cell goes to the log."""
    for one in shown:
        if one is not None:
            print(one)
''',
    "_unseen": '''\
def _unseen(*given, **options):
    """What only a notebook can show."""
''',
    "_keep_figures": '''\
def _keep_figures(cell):
    """What is drawn is kept among the outputs: by the first rank, as images."""
    import matplotlib.pyplot as drawn

    for number in drawn.get_fignums():
        if _os.environ.get("RANK", "0") == "0":
            drawn.figure(number).savefig(_os.path.join(OUTPUT_DIR, f"cell-{cell}-figure-{next(_figures)}.png"))
    drawn.close("all")


_figures = _itertools.count(1)
''',
    "_shell": '''\
def _shell(command):
    """A line that began with !: as in the notebook, the program goes on where it fails."""
    done = _subprocess.run(command, shell=True, executable="/bin/bash")
    if done.returncode:
        print(f"exit code {done.returncode}: {command}")
''',
    "_shell_lines": '''\
def _shell_lines(command):
    """What a command prints, as lines."""
    done = _subprocess.run(command, shell=True, executable="/bin/bash", stdout=_subprocess.PIPE, text=True)
    return done.stdout.splitlines()
''',
    "_switch": '''\
def _switch(text):
    """A parameter that is true or false."""
    if text.lower() not in ("true", "false"):
        raise _argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return text.lower() == "true"
''',
}
_MODULES = {
    "_argparse": ("parameters", "_switch"),
    "_asyncio": ("_loop",),
    "_itertools": ("_keep_figures",),
    "_subprocess": ("_subprocess", "_shell", "_shell_lines"),
    "_time": ("_time",),
}


def write(notebook: Notebook, converted: Converted) -> str:
    """The whole script."""
    parts = ["\n".join(_head(notebook, converted))]
    for cell in notebook.cells:
        text = _cell(cell, converted)
        if text is not None:
            parts.append(text)
    return "\n\n\n".join(part.strip("\n") for part in parts) + "\n"


def _head(notebook: Notebook, converted: Converted) -> Iterator[str]:
    used, places = converted.helpers, converted.places
    yield f'"""{notebook.path.name} as a program: its cells in their order, as `yard notebook convert` wrote them."""'
    yield ""
    yield from sorted(set(converted.futures))
    modules = {name for name, needs in _MODULES.items() if used & set(needs)}
    output = places.uses_output or "_keep_figures" in used
    if output or places.uses_model or places.channels or "_os" in used:
        modules.add("_os")
    yield from (f"import {name.removeprefix('_')} as {name}" for name in sorted(modules))
    yield ""
    if "_keep_figures" in used:
        yield '_os.environ.setdefault("MPLBACKEND", "Agg")  # nobody looks at a job'
    for name in sorted(places.channels):
        yield f'{constant_of(name)} = _os.environ["SM_CHANNEL_{name.upper()}"]'
    if places.uses_model:
        yield 'MODEL_DIR = _os.environ["SM_MODEL_DIR"]'
    if output:
        yield 'OUTPUT_DIR = _os.environ["SM_OUTPUT_DATA_DIR"]'
    yield from (f"_os.makedirs({folder}, exist_ok=True)" for folder in sorted(places.folders))
    if "_loop" in used:
        yield "_loop = _asyncio.new_event_loop()"
        yield "_asyncio.set_event_loop(_loop)"
    for name, text in _FUNCTIONS.items():
        if name in used:
            yield from ("", "", text.rstrip("\n"))


def _cell(cell: Cell, converted: Converted) -> str | None:
    if cell.kind == "markdown" and cell.source.strip():
        lines = [f"# {line}".rstrip() for line in cell.source.strip("\n").split("\n")]
        return "\n".join([f"{MARK} [markdown]", *lines])
    text = converted.texts.get(cell.number, "").strip("\n")
    if not text.strip():
        return None
    tags = ' tags=["parameters"]' if "parameters" in cell.tags else ""
    return f"{MARK} cell {cell.number}{tags}\n{text}"
