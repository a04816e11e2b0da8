"""The forked child that becomes a rank: the program runs in it as if Python had just started it."""

import atexit
import ctypes
import faulthandler
import os
import runpy
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from contract.exit_codes import REFUSED
from training.launcher.guards.watch import DUMP_SIGNAL
from training.launcher.program import Program
from training.launcher.supervise import execute

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15


def run_python(program: Program, environ: dict[str, str], *, name: str) -> int:
    """Run a module or a script as `__main__` in this process, under this name, and return its exit code."""
    die_with_parent()
    name_process(name)
    os.environ.clear()
    os.environ.update(environ)
    _fresh_interpreter_state()
    sys.argv = [program.target, *program.arguments]
    try:
        if program.kind == "module":
            sys.path[0] = os.getcwd()
            runpy.run_module(program.target, run_name="__main__", alter_sys=True)
        else:
            sys.path[0] = os.path.dirname(program.target)
            runpy.run_path(program.target, run_name="__main__")
        code = 0
    except SystemExit as request:
        code = _exit_code(request)
    except BaseException as error:
        _report(error)
        code = REFUSED if _is_refusal(error) else 1
    return _finish(code)


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies: no rank may outlive its supervisor."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def execute_bound(command: list[str], environ: dict[str, str], *, working_dir: Path | None) -> Callable[[], NoReturn]:
    """As `execute`, for a process that must not outlive the one that starts it."""
    become = execute(command, environ, working_dir=working_dir)

    def action() -> NoReturn:
        die_with_parent()
        become()

    return action


def name_process(name: str) -> None:
    """Give this fork a name in ps and top, where it would have its parent's; the kernel keeps 15 characters."""
    ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode())


def _fresh_interpreter_state() -> None:
    """Undo what a fork shares and a new process would not: input, buffering, modules, random numbers, thread counts."""
    sys.stdin = open(os.devnull)  # noqa: SIM115  it lives as long as the process
    os.dup2(sys.stdin.fileno(), 0)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    faulthandler.enable()
    faulthandler.register(DUMP_SIGNAL, all_threads=True)
    for name in [name for name in sys.modules if name.partition(".")[0] in ("contract", "training")]:
        # The user's code may have a package of such a name: whichever comes first on the path is imported
        del sys.modules[name]
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        # Python reseeds its own generator after a fork; numpy does not, and all ranks would draw the same numbers
        numpy.random.seed(int.from_bytes(os.urandom(4), "little"))
    torch = sys.modules.get("torch")
    if torch is not None and "OMP_NUM_THREADS" in os.environ:
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


def _exit_code(request: SystemExit) -> int:
    if request.code is None:
        return 0
    if isinstance(request.code, int):
        return request.code & 0xFF
    print(request.code, file=sys.stderr)
    return 1


def _is_refusal(error: BaseException) -> bool:
    """Ask the program's own copy of the class: the launcher's was forgotten before the program began."""
    is_refusal = getattr(sys.modules.get("contract.refusal"), "is_refusal", None)
    return is_refusal is not None and bool(is_refusal(error))


def _report(error: BaseException) -> None:
    """Print the traceback as Python would, from the program's first frame on.

    torch's own hook puts the rank in front of each line, which the host does already; a hook of the user's stays.
    """
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_frame.f_code.co_filename in (__file__, "<frozen runpy>"):
        traceback = traceback.tb_next
    if traceback is None:
        # The program itself was not found: without any frame Python would print no traceback at all
        traceback = error.__traceback__
    hook = sys.excepthook
    if getattr(hook, "__module__", "").startswith("torch."):
        hook = sys.__excepthook__
    hook(type(error), error.with_traceback(traceback), traceback)


def _finish(code: int) -> int:
    """What the interpreter does at its end, without the slow part: wait for threads, run exit handlers, flush."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException as error:
        _report(error)
        return code if code != 0 else 1
    return code
