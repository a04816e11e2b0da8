"""A notebook run here as the competition will: without any network, with its inputs where Kaggle mounts them."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from embedded.nodes import cell_attempt, image_files, sandbox
from embedded.nodes.cell.plan import Bind, CellPlan, NodePlan
from yard.errors import UserError

INPUT = "/kaggle/input"
WORKING = "/kaggle/working"
_PROGRAM = "/kaggle/notebook.py"
_TAIL_LINES = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How the run went."""

    seconds: float
    code: int | None
    """The exit code; None for one that was ended because its time was over."""
    output: str

    @property
    def tail(self) -> str:
        """The last lines that it printed."""
        return "\n".join(self.output.rstrip().splitlines()[-_TAIL_LINES:])


def run(program: str, inputs: Mapping[str, Path], working: Path, *, environment: Path, seconds: float) -> Outcome:
    """Run a program in namespaces of its own, which have no way out; raises UserError where those cannot be had."""
    best = sandbox.best()
    if best.isolation == "loopback":
        raise UserError(
            f"The network cannot be switched off for a program on this machine ({best.why}), so nothing was run.",
            "Use Linux, or allow user namespaces.",
        )
    folder = Path(tempfile.mkdtemp(prefix="yard-hand-in-"))
    try:
        for name in ("root", "tmp"):
            (folder / name).mkdir()
        (folder / "notebook.py").write_text(program, encoding="utf-8")
        node = NodePlan(
            host="localhost",
            hostname="localhost",
            root=str(folder),
            command=[str(environment / "bin" / "python"), "-u", _PROGRAM],
            environment={
                "PATH": f"{environment}/bin:/usr/bin:/bin",
                "HOME": "/root",
                "KAGGLE_KERNEL_RUN_TYPE": "Batch",
                "MPLBACKEND": "Agg",
                "SM_OUTPUT_DATA_DIR": WORKING,
            },
            work_folder=WORKING,
            visible=image_files.visible(environment),
            binds=[
                Bind(source=str(folder / "tmp"), target="/tmp"),
                Bind(source=str(folder / "notebook.py"), target=_PROGRAM, read_only=True),
                *(
                    Bind(source=str(path.resolve()), target=f"{INPUT}/{name}", read_only=True)
                    for name, path in inputs.items()
                ),
                Bind(source=str(working.resolve()), target=WORKING),
            ],
        )
        return _run(CellPlan(isolation=best.isolation, cloud_port=None, nodes=[node], folder=str(folder)), seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(plan: CellPlan, seconds: float) -> Outcome:
    plan_read, plan_write = os.pipe()
    answers, answers_write = os.pipe()
    began = time.monotonic()
    process = subprocess.Popen(
        [*cell_attempt.command("alone"), str(plan_read), str(answers_write)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd="/",
        env=cell_attempt.environment(),
        pass_fds=(plan_read, answers_write),
        start_new_session=True,
    )
    os.close(plan_read)
    os.close(answers_write)
    with os.fdopen(plan_write, "w", encoding="utf-8") as file:
        json.dump(plan.to_dict(), file)
    try:
        said, _ = process.communicate(timeout=seconds)
        code: int | None = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said, _ = process.communicate()
        code = None
    finally:
        os.close(answers)
        if process.poll() is None:  # Ctrl-C
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return Outcome(seconds=time.monotonic() - began, code=code, output=said.decode("utf-8", "replace"))
