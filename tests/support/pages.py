"""Pages of the documentation as a reader follows them: their blocks, and a copy of the project to run these in."""

import os
import pty
import re
import select
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FOLDERS = (
    *(
        "checks",
        "constructs",
        "containers",
        "contract",
        "embedded",
        "endpoints",
        "jobs",
        "serving",
        "stacks",
        "training",
    ),
    "yard",
)
_FILES = (
    *("Makefile", "app.py", "cdk.json", "package.json", "package-lock.json"),
    *("pyproject.toml", "requirements.txt", "requirements.lock", "setup.py"),
)
LONGEST_SECONDS = 900
SHELL = """\
export PATH="$PWD/.venv/bin:$PATH"
if yard cloud status >/dev/null; then eval "$(yard cloud env)"; fi
"""
"""What a reader's shell has from page to page: the command, and the cloud that an earlier page started."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced block of a page."""

    language: str
    options: str
    text: str


def blocks(page: Path) -> list[Block]:
    """Every fenced block of a page, in order."""
    found = _BLOCK.findall(page.read_text(encoding="utf-8"))
    return [Block(language=language, options=options.strip(), text=text) for language, options, text in found]


@dataclass(frozen=True, kw_only=True)
class Copy:
    """The project in a folder of its own, with the packages that are here already."""

    folder: Path

    @classmethod
    def into(cls, place: Path) -> "Copy":
        """Copy what a reader's clone needs."""
        project = place / "project"
        project.mkdir()
        for name in _FOLDERS:
            shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in _FILES:
            copy = shutil.copy(ROOT / name, project)
            # Older than the environment, or `make setup` would install this copy into it
            os.utime(copy, (0, 0))
        for name in (".venv", "node_modules"):
            (project / name).symlink_to(ROOT / name)
        return cls(folder=project)

    def run(self, script: str) -> str:
        """Run a script in a reader's shell; what it printed. Another exit code than 0 is a failure."""
        command = ["bash", "-c", SHELL + script]
        done = subprocess.run(
            command, cwd=self.folder, env=_env(), capture_output=True, text=True, check=False, timeout=LONGEST_SECONDS
        )
        assert done.returncode == 0, f"{script}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def at_a_terminal(self, script: str, *, answer: str) -> str:
        """Run a script as at a terminal, where it asks; each question gets the same answer."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            ["bash", "-c", SHELL + script],
            cwd=self.folder,
            env=_env() | {"TERM": "xterm", "COLUMNS": "120"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        said = _converse(ours, process, answer)
        assert process.returncode == 0, f"{script}\n{said[-3000:]}"
        return said

    def take_down(self) -> None:
        """End the embedded cloud that the pages started."""
        command = [str(ROOT / ".venv/bin/yard"), "cloud", "down"]
        subprocess.run(command, cwd=self.folder, env=_env(), check=False, capture_output=True)


def _env() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


def _converse(terminal: int, process: "subprocess.Popen[bytes]", answer: str) -> str:
    """Read until the process ends, and answer what ends in a question: `?`, `:` or `[y/N]` without a line break."""
    said, answered, end = "", 0, time.monotonic() + LONGEST_SECONDS
    try:
        while time.monotonic() < end:
            ready, _, _ = select.select([terminal], [], [], 1.0)
            if ready:
                said += os.read(terminal, 65536).decode(errors="replace")
            elif process.poll() is not None:
                break
            elif len(said) > answered and re.search(r"(\?|:|\[y/N\]|\(y/n\)) *(\x1b\[[\d;?]*[A-Za-z])*$", said):
                os.write(terminal, f"{answer}\n".encode())
                answered = len(said)
    except OSError:
        # Linux says so when the last process has closed its end
        pass
    finally:
        os.close(terminal)
    process.wait(timeout=10)
    return said
