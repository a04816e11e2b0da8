"""The `yard` command as a person or a script runs it: a process of its own, with its streams apart."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.cloud.house import LONGEST_SECONDS

ROOT = Path(__file__).resolve().parents[3]
COMMAND = (sys.executable, "-m", "yard.main")


@dataclass(frozen=True, kw_only=True)
class Yard:
    """Runs the command in a folder, with an environment."""

    env: Mapping[str, str]
    folder: Path = ROOT
    without: tuple[str, ...] = field(default=())

    def __call__(self, *arguments: str, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
        """Run it; another exit code than the expected one, or a traceback, is a failure."""
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=self.environment(**env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
        )
        assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        assert "\x1b[" not in done.stdout, "colours in a pipe"
        return done

    def json(self, *arguments: str, code: int = 0, **env: str) -> Any:
        """What it prints on stdout as one document."""
        return json.loads(self(*arguments, code=code, **env).stdout)

    def environment(self, **env: str) -> dict[str, str]:
        """The whole environment of the process."""
        found = {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "constructs"))), **self.env, **env}
        return {name: value for name, value in found.items() if name not in self.without}


def heed_ctrl_c() -> None:
    """As a terminal's child does; that of a shell's background job inherits that SIGINT is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
