"""Screens of the command, drawn at fixed widths and kept as text in tests/unit/yard/screens/pictures.

python -m tests.support.screens.scenes     draws them anew, after a change that is meant
"""

import contextlib
import io
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from rich.console import Console

from tests.support.screens.account import FAILED, NOW, STOPPED, TRAINED, TRAINING, Account
from yard.aws import Aws
from yard.project import find_project
from yard.runs import runs
from yard.runs.picture import Picture
from yard.runs.view import View

ROOT = Path(__file__).resolve().parents[3]
PICTURES = ROOT / "tests/unit/yard/screens/pictures"
WIDTHS = (80, 100, 120)
JOBS = ("gpt-fsdp", "mnist-ddp", "mnist-hetero")


def command(*words: str) -> Callable[[int], None]:
    """A scene of what a command prints at a terminal, stderr included."""

    def draw(width: int) -> None:
        from typer.main import get_command

        from yard import commands
        from yard.main import app

        if not app.registered_commands:
            commands.register(app)
        with contextlib.suppress(SystemExit):
            get_command(app)(list(words), prog_name="yard")

    return draw


def live_view(looks: int) -> Callable[[int], None]:
    """A scene of the view that follows a run, after so many looks; before the first nothing is launched."""

    def draw(width: int) -> None:
        from yard.runs.follow import ask
        from yard.runs.logs import Tail

        aws = Aws(find_project())
        view = View(job="gpt-fsdp", run_id=TRAINING, region="us-east-1")
        if looks:
            found = next(run for run in runs.executions(Aws(find_project()), "gpt-fsdp") if run.run_id == TRAINING)
            _, names = ask(aws, found, view)
            lines = list(Tail(aws, TRAINING).lines(names))
            for line in lines if looks > 1 else lines[:1]:
                view.hear(line)
        if looks > 1:
            for number, node in enumerate(sorted(view.nodes)):
                view.nodes[node].utilisation |= {"CPUUtilization": 310.0 + number, "GPUUtilization": 388.0 - number}
        Console(width=width, highlight=False, markup=False).print(Picture(view))

    return draw


SCENES: dict[str, Callable[[int], None]] = {
    "view-launched": live_view(0),
    "view-first-line": live_view(1),
    "view-training": live_view(2),
    "status": command("status"),
    "status-running": command("status", TRAINING),
    "status-failed": command("status", FAILED),
    "history": command("history"),
    "compare": command("compare", TRAINED, FAILED, STOPPED, TRAINING),
    "jobs": command("jobs", "--offline"),
    "receipt": command("receipt", TRAINED),
    "receipt-failed": command("receipt", FAILED),
}


def picture(name: str, width: int) -> str:
    """A scene as text."""
    screen = io.StringIO()
    with stage(width), contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen):
        SCENES[name](width)
    return "".join(f"{line.rstrip()}\n" for line in screen.getvalue().splitlines())


def path(name: str, width: int) -> Path:
    """Where the kept picture of a scene lies."""
    return PICTURES / str(width) / f"{name}.txt"


@contextlib.contextmanager
def stage(width: int) -> Iterator[None]:
    """The scripted account, a terminal of this width and a clock that stands still."""
    account = Account()
    with contextlib.ExitStack() as stack:
        patch: Callable[..., Any] = lambda *given: stack.enter_context(mock.patch(*given))  # noqa: E731
        patch("yard.output.width", lambda **_: width)
        stack.enter_context(mock.patch.object(Aws, "client", lambda _, service: account.client(service)))
        patch("yard.runs.view.time.time", NOW.timestamp)
        stack.enter_context(mock.patch.dict("os.environ", {"AWS_REGION": "us-east-1"}))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "jobs").mkdir()
        shutil.copy(ROOT / "cdk.json", folder)
        for job in JOBS:
            shutil.copy(ROOT / "jobs" / f"{job}.toml", folder / "jobs")
        for needed in ("containers", "contract", "serving", "training"):
            (folder / needed).symlink_to(ROOT / needed)
        stack.enter_context(contextlib.chdir(folder))
        yield


def main() -> None:
    """Draw every scene anew."""
    for name in SCENES:
        for width in WIDTHS:
            kept = path(name, width)
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(picture(name, width), encoding="utf-8")
            print(kept.relative_to(ROOT))


if __name__ == "__main__":
    main()
