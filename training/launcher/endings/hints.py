"""What helps with an error and stands in none of its words: the names that lie near in the code, or that no GPU is."""

import difflib
import re
from pathlib import Path

from training.launcher.endings.tracebacks import files_of
from training.launcher.package import PACKAGE_ROOT

_IMPORT = re.compile(r"No module named '([\w.]+)'")
_ENTRY = re.compile(r"Error while finding module specification for '([\w.]+)'|No module named ([\w.]+)")
_RELATIVE = "attempted relative import with no known parent package"
_MOST_NAMES = 20
_NO_CUDA = re.compile(
    r"_cuda_setDevice|Torch not compiled with CUDA enabled|doesn't have NCCL built in|Found no NVIDIA driver"
    r"|No CUDA GPUs are available|ProcessGroupNCCL is only supported with GPUs"
)
"""What torch says where a program takes a GPU for granted."""


def hint(error: str, tail: str, code_dir: Path) -> str:
    """A clause to put behind an error; mostly empty."""
    if wants_a_gpu(error):
        return (
            '; it takes a GPU for granted, and none is here: "cpu" and "gloo" where torch.cuda.is_available() is false'
        )
    if _RELATIVE in error:
        return _as_module(files_of(tail), code_dir)
    if found := _ENTRY.search(error):
        return _near(found[1] or found[2], code_dir, is_entry=True)
    if found := _IMPORT.search(error):
        return _near(found[1], code_dir, is_entry=False)
    return ""


def wants_a_gpu(error: str) -> bool:
    """Whether a program failed because there is no GPU."""
    return _NO_CUDA.search(error) is not None


def _near(name: str, code_dir: Path, *, is_entry: bool) -> str:
    """Name what the missing module may be, and what else is there; an import may mean another's package."""
    first, *_ = parts = name.split(".")
    shipped = Path(PACKAGE_ROOT)
    root = shipped if (shipped / first).is_dir() and not (code_dir / first).is_dir() else code_dir
    known: list[str] = []
    while len(known) < len(parts) - 1 and root.joinpath(*known, parts[len(known)]).is_dir():
        known.append(parts[len(known)])
    wanted, rest = parts[len(known)], parts[len(known) + 1 :]
    folder = root.joinpath(*known)
    present = _modules(folder)
    if wanted in present:
        # It is there, and what it imports is not
        return ""
    close = difflib.get_close_matches(wanted, present, n=1)
    question = f"; did you mean {'.'.join([*known, *close, *rest])}?" if close else ""
    if not known and not is_entry:
        return question
    names = ", ".join(present[:_MOST_NAMES])
    return f"{question} ({folder} holds {names})" if names else f"{question} (no code came)"


def _modules(folder: Path) -> list[str]:
    """The modules and packages in a folder."""
    if not folder.is_dir():
        return []
    items = [item for item in folder.iterdir() if item.name[0] not in "._"]
    return sorted(item.stem for item in items if item.suffix == ".py" or item.is_dir())


def _as_module(files: list[str], code_dir: Path) -> str:
    """The entry that makes a script's relative imports work, where the script itself has made one."""
    if not files or files[0] != files[-1] or not Path(files[0]).is_relative_to(code_dir):
        return ""
    names = Path(files[0]).relative_to(code_dir).with_suffix("").parts
    return f"; set the entry to {'.'.join(names)}" if len(names) > 1 else ""
