"""What each magic of IPython becomes in a job: Python, nothing, or a refusal with its reason."""

import shlex
from collections.abc import Mapping
from pathlib import PurePosixPath

from yard.notebooks import shell
from yard.notebooks.ipython import Segment
from yard.notebooks.reading import listed
from yard.notebooks.shell import Place

_SHOWS = listed(
    "who who_ls whos history hist pwd ls lsmagic magic pinfo pinfo2 pdoc pdef psource pfile page quickref "
    "precision xmode colors doctest_mode autosave automagic alias psearch config logstart logstop dirs "
    "env_list"
)
_WATCHES = listed("prun lprun memit mprun timeit debug pdb tb")
_BODY_STAYS: Mapping[str, str] = {
    "capture": "its output goes to the log",
    "prun": "it runs without the profiler",
    "memit": "it runs without the memory profiler",
    "mprun": "it runs without the memory profiler",
}
_BODY_GOES: Mapping[str, str] = {
    **dict.fromkeys(
        ("html", "HTML", "javascript", "js", "svg", "SVG", "latex", "markdown"), "it only shows something: left out"
    ),
    "timeit": "it only measures: left out",
}
_SHELLS = frozenset({"bash", "sh", "shell", "system", "sx", "!"})
_REFUSED: Mapping[str, str] = {
    "run": "it runs another notebook or script: import what it defines, or convert that one",
    "load": "it puts a file's text into the cell: load it once, in Jupyter",
    "store": "it keeps values between notebooks on one machine: write a file",
    "reset": "it forgets every name: a job starts without any",
    "pylab": "it imports dozens of names: import numpy as np; import matplotlib.pyplot as plt",
    "conda": "the image has no conda: write %pip install NAME==VERSION",
    "mamba": "the image has no conda: write %pip install NAME==VERSION",
    "cd": "a job's folder is its code: name paths in the code",
    "sql": "it needs a connection and an extension: use a library",
    "R": "it is not Python",
    "cython": "it is compiled by the notebook: build a package",
    "python": "it runs apart from the other cells: make it a cell of its own",
    "python3": "it runs apart from the other cells: make it a cell of its own",
    "perl": "it is not Python",
    "ruby": "it is not Python",
    "script": "it starts another program: call it with subprocess",
}
_UNKNOWN = "it is no magic that a job could have; write it in Python, or tag the cell `skip`"


def line(found: Segment, place: Place) -> str:
    """The Python for a line of IPython's own."""
    if found.kind == "help":
        return place.leave_out(f"{found.command}? only shows something: left out")
    if found.kind == "shell":
        if not found.target:
            return shell.statement(found.command, place)
        value = shell.lines_of(found.command, place)
        return f"{found.target} = {'None' if value is None else value}"
    name, _, argument = found.command.partition(" ")
    if found.target:
        return f"{found.target} = {_value(name, argument.strip(), place)}"
    return line_magic(name.lstrip("%"), argument.strip(), place)


def line_magic(name: str, argument: str, place: Place) -> str:
    """The Python for `%name argument`."""
    if name in ("pip", "uv"):
        words = _words(argument)
        return shell.install(words[1:] if name == "uv" and words[:1] == ["pip"] else words, place)
    if name in ("system", "sx"):
        return shell.statement(argument, place)
    if name in ("time", "prun") and argument:
        place.findings.note(place.cell, place.line, f"%{name} is left out, and what it measured stays")
        return argument
    if name in ("env", "set_env"):
        return _set_variable(argument, place)
    if name == "matplotlib":
        return place.leave_out("figures are saved among the outputs, since nobody looks at a job")
    if name in ("load_ext", "reload_ext", "unload_ext", "autoreload", "aimport", "tensorboard"):
        return place.leave_out(f"%{name} serves an open notebook: left out")
    if name in _SHOWS or name in _WATCHES:
        return place.leave_out(f"%{name} only shows something: left out")
    return place.refuse(f"%{name}: {_REFUSED.get(name, _UNKNOWN)}")


def cell(name: str, argument: str, body: str, place: Place) -> tuple[str, str]:
    """What takes the place of a cell's first line and of its body, which begins one line below."""
    if name == "time":
        return "_cell_began = _time.perf_counter()", (
            f'{body}\nprint(f"cell {place.cell} took {{_time.perf_counter() - _cell_began:.2f}} s")'
        )
    if name == "capture" and argument.replace("--no-stderr", "").strip(" -") not in ("", "no-stdout", "no-display"):
        return place.refuse("%%capture keeps the output under a name: print into a text instead"), ""
    if name in _BODY_STAYS:
        return place.leave_out(f"%%{name}: {_BODY_STAYS[name]}"), body
    if name in _BODY_GOES:
        return place.leave_out(f"%%{name}: {_BODY_GOES[name]}"), ""
    if name in ("writefile", "file"):
        return _write_file(argument, body, place), ""
    if name in _SHELLS or (name == "script" and argument.split()[:1] in (["bash"], ["sh"])):
        if argument and name != "script":
            return place.refuse(f"%%{name} {argument}: without options it can be converted"), ""
        return shell.script(body, place), ""
    return place.refuse(f"%%{name}: {_REFUSED.get(name, _UNKNOWN)}"), ""


def _value(name: str, argument: str, place: Place) -> str:
    """The Python for what `target = %name argument` gives."""
    if name in ("env", "get_env") and argument.isidentifier():
        return f'_os.environ["{argument}"]'
    if name == "pwd":
        return "_os.getcwd()"
    if name in ("sx", "system"):
        value = shell.lines_of(argument, place)
        return "None" if value is None else value
    place.refuse(f"%{name}: its answer is one of the open notebook's; write it in Python")
    return "None"


def _set_variable(argument: str, place: Place) -> str:
    name, sign, value = argument.partition("=")
    if not sign:
        name, sign, value = argument.partition(" ")
    if not sign:
        return place.leave_out("%env only shows something: left out")
    if not name.strip().isidentifier() or value.strip().startswith("$"):
        return place.refuse(f"%env {argument}: write os.environ[...] = ... in Python")
    return f"_os.environ[{name.strip()!r}] = {value.strip()!r}"


def _write_file(argument: str, body: str, place: Place) -> str:
    """The file travels beside the script: what imports it finds it, on every node."""
    words = _words(argument)
    appends = [word for word in words if word in ("-a", "--append")]
    names = [word for word in words if word not in appends]
    path = PurePosixPath(names[0]) if len(names) == 1 else PurePosixPath("/")
    if path.is_absolute() or ".." in path.parts or str(path).startswith("~"):
        return place.refuse(f"%%writefile {argument}: only a file beside the notebook can travel with its script")
    before = place.findings.files.get(str(path), b"") if appends else b""
    text = body if body.endswith("\n") else f"{body}\n"
    place.findings.files[str(path)] = before + text.encode()
    return place.leave_out(f"{path} travels beside the script")


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return text.split()
